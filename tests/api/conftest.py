import pytest
from loguru import logger

from orb_core.store.runs import RunStore
from tests.api.serving import serving, store_with_runs


@pytest.fixture(autouse=True)
def silent_console():
    logger.remove()


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Runs to be read, not changed."""
    logger.remove()
    return store_with_runs(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="session")
def client(store):
    """A client of a server of those runs."""
    with serving(store) as client:
        yield client


@pytest.fixture
def own_store(tmp_path):
    """An empty store of the test's own."""
    return RunStore(tmp_path / "own" / "runs")


@pytest.fixture
def own_client(own_store):
    with serving(own_store) as client:
        yield client

import asyncio

import pytest

from benchmarks.visitors import session
from tests.ui.app import a_run

pytestmark = pytest.mark.timeout(120)


def test_a_visitor_of_the_benchmark_is_sent_pages_and_notices_one_that_is_not_there(server):
    run = a_run()

    async def visit():
        async with session(server.url) as own:
            return await own.look("run", {"run": run.run_id, "tab": "Trades"}), await own.look("no_such_page")

    trades, missing = asyncio.run(visit())
    assert trades.problems == []
    assert trades.widget(f"trades.{run.run_id}")
    assert missing.problems == ["page not found"]

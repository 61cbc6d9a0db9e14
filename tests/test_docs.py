"""Every command and code block of README.md and docs/ runs, and every link leads somewhere.

The blocks of a page run in order, in a folder of its own that looks like the project: a YAML block whose first line
names a file is saved there, and the Python blocks share their names as the cells of a notebook do.
"""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from orb_core import EventLoopBacktest, load_config
from orb_core.analytics.equity import CASH, EQUITY
from orb_core.analytics.summary import summary
from orb_core.config.load import config_from_mapping
from orb_core.data.synthetic import SyntheticSource
from orb_core.store.runs import RunStore
from tests.api.serving import serving

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PACKAGES = ("orb_api", "orb_core", "pages")
NOT_IN_COPY = {".git", ".venv", ".venv-bench", "runs", "cache"}
SERVER = "http://localhost:8000"
"""In its place, blocks ask a server of the page's own runs."""

NOT_RUN = {
    "make app": "starts a server; tests/browser does",
    "make test": "runs this test",
    "make bench": "takes minutes on an idle machine",
    "streamlit run streamlit_app.py": "starts a server; tests/browser does",
    "python api_server.py": "starts a server; tests/api does",
    "source .venv/bin/activate": "the tests run inside an environment already",
}
LANGUAGES = {"bash", "python", "yaml", "text", "json"}


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    source: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, without the indentation of a list they stand in."""
    found = []
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if fence := re.match(r"( *)```(\w*)", line):
            indent = len(fence[1])
            body = []
            for _, inside in lines:
                if inside.strip() == "```":
                    break
                body.append(inside[indent:])
            found.append(Block(number, fence[2], "\n".join(body)))
    return found


def command(line: str) -> str:
    """A line of a shell block without its comment."""
    return line.split(" #", 1)[0].strip()


def run_shell(source: str, folder: Path) -> None:
    lines = source.splitlines()
    script = "\n".join(line for line in lines if command(line) not in NOT_RUN)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment["ORB_RUNS_DIR"] = str(folder / "runs")  # where a reader's project has it
    environment["CURL_HOME"] = str(folder)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def run_yaml(block: Block, folder: Path) -> None:
    config_from_mapping(yaml.safe_load(block.source))
    if name := re.match(r"# (\S+\.yaml)\n", block.source):
        (folder / name[1]).write_text(block.source, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs(page, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in NOT_IN_COPY:
            (folder / entry.name).symlink_to(entry)
    monkeypatch.chdir(folder)
    (folder / ".curlrc").write_text("fail-with-body\nshow-error\n")
    names: dict[str, Any] = {}
    with ExitStack() as stack:
        address = ""
        for block in blocks(page):
            assert block.language in LANGUAGES, f"{page.name}:{block.line} names no language"
            if SERVER in block.source and not address:
                address = str(stack.enter_context(serving(RunStore(folder / "runs"))).base_url)
            source = block.source.replace(SERVER, address)
            if block.language == "bash":
                run_shell(source, folder)
            elif block.language == "yaml":
                run_yaml(block, folder)
            elif block.language == "python":
                exec(compile(source, f"{page.name}:{block.line}", "exec"), names)  # noqa: S102 - that is the test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_every_page_that_the_code_names_exists():
    sources = [
        ROOT / "defaults.yaml",
        *ROOT.glob("*.py"),
        *(file for folder in PACKAGES for file in ROOT.glob(f"{folder}/**/*.py")),
    ]
    named = {page for source in sources for page in re.findall(r"docs/\w+\.md", source.read_text(encoding="utf-8"))}
    assert sorted(page for page in named if not (ROOT / page).exists()) == []


def test_the_page_of_results_lists_every_metric_and_column_in_order():
    config = load_config()
    bars = SyntheticSource(config.session).fetch("SPY", date(2024, 1, 2), date(2024, 1, 31), "1m")
    metrics = summary(EventLoopBacktest(config).run(bars), config).metrics
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    listed = {title: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) for title, text in sections(page).items()}
    assert listed["Metrics"] == list(metrics)
    assert listed["Equity"] == list(EQUITY)
    assert listed["Cash"] == list(CASH)


def sections(page: str) -> dict[str, str]:
    """The text under each heading of the second level."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("target", ["app", "test", "bench", "screenshots"])
def test_every_make_command_that_is_not_run_exists(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_block_that_fails_fails(tmp_path):
    with pytest.raises(AssertionError, match="no_such_command"):
        run_shell("make test\nno_such_command # really\necho done", tmp_path)

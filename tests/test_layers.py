"""A module imports only from the layers above its own, and every module is on the way from a front end.

The checker reads the imports and runs nothing; the last tests plant offenders, to show that it can fail.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "errors",
    "durable",
    "config",
    "data",
    "engine",
    "analytics",
    "charts",
    "report",
    "store",
    "research",
    "jobs",
    "service",
    "explore",
    "data_service",
)
OF_FRONT_ENDS = {"streamlit", "fastapi", "fastapi_offline", "starlette", "uvicorn", "argparse", "click", "rich"}
OF_KERNELS = {"numpy", "numba", "typing"}
COMMAND_LINE_INSIDE = "orb_core.data.__main__"


def modules(root: Path) -> dict[str, Path]:
    """Every module of the project by its dotted name; a package's own ends in `.__init__`."""
    folders = ("orb_core", "orb_api", "pages")
    files = [*root.glob("*.py"), *(file for folder in folders for file in root.glob(f"{folder}/**/*.py"))]
    return {".".join(file.relative_to(root).with_suffix("").parts): file for file in files}


def imported(module: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    """What a module imports, anywhere in it: ours by module, others by top-level package.

    A page is run by its path, so a string like "pages/run.py" counts as well.
    """
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            names = [".".join([*package, *filter(None, [node.module]), alias.name]) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py"):
            page = node.value.removesuffix(".py").replace("/", ".")
            names = [page] if page in known else []
        yield from (owner(name, known) for name in names)


def owner(name: str, known: set[str]) -> str:
    """The module that a dotted name lies in, or the top-level package of someone else's."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        for module in (prefix, f"{prefix}.__init__"):
            if module in known:
                return module
    return parts[0]


def layer(module: str) -> int:
    """Its place counted from the top; the public face `orb_core` and the front ends come after all layers."""
    parts = module.split(".")
    if parts[0] != "orb_core" or parts[1] == "__init__":
        return len(LAYERS)
    return LAYERS.index(parts[1]) if parts[1] in LAYERS else -1


def reached_from_front_ends(graph: dict[str, set[str]]) -> set[str]:
    """Modules met by following imports from the scripts at the root and the `python -m` modules."""
    waiting = [module for module in graph if "." not in module or module.endswith(".__main__")]
    reached: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in graph and module not in reached:
            reached.add(module)
            packages = module.split(".")[:-1]
            waiting += [".".join([*packages[:depth], "__init__"]) for depth in range(1, len(packages) + 1)]
            waiting += graph[module]
    return reached


def offences(root: Path) -> list[str]:
    """Every broken rule, as a sentence."""
    trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in modules(root).items()}
    graph = {module: set(imported(module, tree, set(trees))) for module, tree in trees.items()}
    reached = reached_from_front_ends(graph)
    found = []
    for module, targets in sorted(graph.items()):
        if layer(module) < 0:
            found.append(f"{module} lies in no layer")
        if module not in reached and trees[module].body:
            found.append(f"{module} is reached from no front end")
        for target in sorted(targets):
            if target in graph and layer(target) > layer(module):
                found.append(f"{module} imports {target}, which lies below it")
            if module.startswith("orb_core.") and module != COMMAND_LINE_INSIDE and target in OF_FRONT_ENDS:
                found.append(f"{module} imports {target}, which belongs to front ends")
            if module.endswith("_nb") and target not in OF_KERNELS:
                found.append(f"{module} is a kernel and imports {target}")
    return found


def test_every_import_goes_upwards_and_every_module_is_reached():
    assert offences(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "offence"),
    [
        ("orb_core/data/bars.py", "from orb_core import service", "orb_core.data.bars imports orb_core.service, which"),
        ("orb_core/data/bars.py", "def f():\n    from ..store import runs", "imports orb_core.store.runs, which"),
        ("orb_core/data/bars.py", "from orb_core import load_config", "imports orb_core.__init__, which lies below"),
        ("orb_core/data/bars.py", "from pages.run import show", "imports pages.run, which lies below"),
        ("orb_core/service.py", "import streamlit as st", "imports streamlit, which belongs to front ends"),
        ("orb_core/service.py", "from argparse import Namespace", "imports argparse, which belongs to front ends"),
        ("orb_core/engine/simulate_nb.py", "import pandas as pd", "is a kernel and imports pandas"),
        ("orb_core/engine/forgotten.py", "SIZE = 1", "orb_core.engine.forgotten is reached from no front end"),
        ("pages/forgotten.py", "SIZE = 1", "pages.forgotten is reached from no front end"),
        ("orb_core/helpers.py", "SIZE = 1", "orb_core.helpers lies in no layer"),
        ("orb_core/service.py", "from orb_api import server", "imports orb_api.server, which lies below"),
        ("orb_api/forgotten.py", "SIZE = 1", "orb_api.forgotten is reached from no front end"),
    ],
)
def test_a_planted_offender_is_found(tmp_path, file, source, offence):
    project = {
        "run_backtest.py": "from orb_core import service",
        "streamlit_app.py": "PAGES = ['pages/run.py']",
        "pages/run.py": "from orb_core import service",
        "api_server.py": "from orb_api import server",
        "orb_api/server.py": "from orb_core import service",
        "orb_core/__init__.py": "def load_config(): ...",
        "orb_core/service.py": "from orb_core.store import runs\nfrom orb_core.engine import simulate_nb",
        "orb_core/store/__init__.py": "",
        "orb_core/store/runs.py": "from orb_core.data.bars import COLUMNS",
        "orb_core/data/__init__.py": "",
        "orb_core/data/bars.py": "import pandas as pd\n\nCOLUMNS = ()",
        "orb_core/engine/__init__.py": "",
        "orb_core/engine/simulate_nb.py": "import numpy as np\nfrom numba import njit",
    }
    for name, text in project.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert offences(tmp_path) == []
    planted = tmp_path / file
    planted.write_text(planted.read_text() + f"\n{source}\n" if planted.exists() else source)
    assert any(offence in sentence for sentence in offences(tmp_path))

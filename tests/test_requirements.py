"""What is imported is pinned, once and exactly."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    "requirements.txt": ("*.py", "orb_api/**/*.py", "orb_core/**/*.py", "pages/**/*.py"),
    "requirements-dev.txt": ("tests/**/*.py", "docs/*.py"),
    "requirements-bench.txt": ("benchmarks/*.py",),
}
OURS = {"benchmarks", "docs", "orb_api", "orb_core", "pages", "tests"} | {script.stem for script in ROOT.glob("*.py")}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def pins(file: str) -> dict[str, str]:
    """Package to version of a requirements file and of the one it builds on."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    below = next((line.removeprefix("-r ") for line in lines if line.startswith("-r ")), None)
    found = pins(below) if below else {}
    for line in lines:
        if line and not line.startswith(("#", "-r ")):
            name, version = line.split("==")
            assert normal(name) not in found, f"{file} pins {name} twice"
            found[normal(name)] = version
    return found


def imported(patterns: tuple[str, ...]) -> set[str]:
    """Top-level names of other people's packages that the files import."""
    names = set()
    for file in (path for pattern in patterns for path in ROOT.glob(pattern)):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - OURS - sys.stdlib_module_names


@pytest.mark.parametrize("file", SOURCES)
def test_every_package_that_is_imported_is_pinned(file):
    distributions = packages_distributions()
    pinned = set(pins(file))
    unpinned = {
        name
        for name in imported(SOURCES[file])
        if not pinned & {normal(candidate) for candidate in [name, *distributions.get(name, [])]}
    }
    assert unpinned == set()


@pytest.mark.parametrize("file", SOURCES)
def test_no_requirement_names_a_place_on_a_machine_or_a_registry(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not any(word in text for word in ("://", "--index", "--find-links", " @ "))

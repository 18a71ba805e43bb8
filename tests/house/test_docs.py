"""What the papers promise exists: commands, targets, files, versions."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sekisho.config.files import STOCK

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def code_of(page: Path) -> str:
    """Return what a page shows as code, blocks and inline."""
    text = page.read_text()
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*blocks, *inline])


def page_id(page: Path) -> str:
    """Return a page's path, for the name of its test."""
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def verbs() -> set[str]:
    """The verbs that `sekisho --help` lists."""
    shown = subprocess.run(
        [sys.executable, "-m", "sekisho", "--help"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    return set(re.findall(r"^ +([a-z]+) ", shown, re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docs/architecture.md"])
def test_the_papers_are_there(name: str) -> None:
    """A newcomer finds the papers that every project has."""
    assert (ROOT / name).read_text().strip()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_in_the_papers_exist(page: Path, verbs: set[str]) -> None:
    """Each `sekisho VERB` and `make TARGET` that a page shows can be typed."""
    code = code_of(page)
    assert set(re.findall(r"^\s*(?:[$#] )?(?:sudo )?sekisho ([a-z]+)\b", code, re.MULTILINE)) <= verbs
    assert set(re.findall(r"^\s*(?:[$#] )?(?:sudo )?make ([a-z]+)\b", code, re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize(("page", "maker"), [("commands", "make"), ("catalogue", "make_catalogue")])
def test_a_made_page_is_what_it_is_made_of(page: str, maker: str) -> None:
    """It is made, not written: `make docs` after a verb, an option, a word, a filter or a jail has changed."""
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / f"{maker}.py"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert (ROOT / "docs" / f"{page}.md").read_text() == made


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    """A link to another page or file of the project has its target."""
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page_id(page)} links to {target}"


LONG = 100  # a default of so many characters is told as `see the file`
INIT = r"^\[Init\]\n(.*?)(?=^\[|\Z)"
ACTIONS = sorted(path for path in (STOCK / "action.d").iterdir() if path.suffix in (".conf", ".py"))


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_every_stock_action_has_its_row(path: Path) -> None:
    """With each parameter that its file sets, its default, and the file that it builds upon."""
    page = (ROOT / "docs" / "actions.md").read_text()
    name = path.name if path.suffix == ".py" else path.stem
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    text = path.read_text()
    init = re.search(INIT, text, re.MULTILINE | re.DOTALL)
    named = re.findall(r"^([a-z][\w-]*) = *(.*(?:\n +.*)*)", init[1], re.MULTILINE) if init else []
    told = [(name, f"`{name}`" + (f" (`{value}`)" if value else "")) for name, value in named if len(value) < LONG]
    assert [cell for _, cell in told if cell not in row] == []
    assert [name for name, _ in named if f"`{name}`" not in row] == []
    assert [each for each in re.findall(r"^before = (.*)\.conf$", text, re.MULTILINE) if f"`{each}`" not in row] == []


def parameters_of(path: Path) -> set[str]:
    """Return the names that an action's file and those that it builds upon set under [Init]."""
    text = path.read_text()
    init = re.search(INIT, text, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"^([\w-]+) *=", init[1], re.MULTILINE)) if init else set()
    bases = re.findall(r"^before = (.*\.conf)$", text, re.MULTILINE)
    return named.union(*(parameters_of(path.with_name(base)) for base in bases))


@pytest.mark.parametrize("path", [path for path in ACTIONS if path.suffix == ".conf"], ids=lambda path: path.name)
def test_each_parameter_is_explained_where_it_is_introduced(path: Path) -> None:
    """A comment stands above it, or above several that belong together."""
    text = path.read_text()
    bases = re.findall(r"^before = (.*\.conf)$", text, re.MULTILINE)
    known = set().union(*(parameters_of(path.with_name(base)) for base in bases))
    init = re.search(INIT, text, re.MULTILINE | re.DOTALL)
    groups = init[1].split("\n\n") if init else []
    bare = [group.strip() for group in groups if group.strip() and not group.lstrip().startswith("#")]
    introduced = {name for group in bare for name in re.findall(r"^([a-z][\w-]*) *=", group, re.MULTILINE)}
    assert introduced - known == set()


def test_the_changelog_knows_the_version() -> None:
    """The changelog has a section for the version of the package, or one for what is unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[(Unreleased|{re.escape(PROJECT['version'])})\]", text, re.MULTILINE)


@pytest.mark.parametrize("script", sorted(PROJECT["scripts"]))
def test_console_scripts_lead_to_functions(script: str) -> None:
    """Each program that the package installs has a function behind it."""
    module, _, function = PROJECT["scripts"][script].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_what_is_shipped_is_packaged() -> None:
    """Everything under stock/ is package data: an installed Sekisho has the files that a checkout has."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert "stock/**/*" in tool["setuptools"]["package-data"]["sekisho"]

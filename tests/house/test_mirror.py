"""The tests mirror the source: whoever opens a module knows where its tests are, and no test outlives its module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "sekisho", ROOT / "tests"

ELSEWHERE = {  # module: where it is tested, and why there
    "daemon/assemble": "system/test_scenario",  # knows every class; only the whole shows that it put them together
    "cli/demo_stage": "system/test_stage",  # nothing of it can run without namespaces
    "cli/demo_cast": "system/test_stage",
    "cli/demo_theatre": "cli/test_demo",  # a theatre shows itself in the play
    "cli/demo_script": "system/test_scenario",
    "enforce/python_child": "enforce/test_python_action",  # one side of a conversation shows nothing
    "stock/action.d/smtp": "enforce/test_python_action_smtp",  # it runs in the process of such an action
}
OWN = {"house", "support", "system", "corpus", "firewall", "plays", "crash"}  # folders of tests that mirror no room


def has_behaviour(path: Path) -> bool:
    """Tell whether a module has a function with a body; records, tables and protocols are tested by their users."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
            body = [
                part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            if len(body) > 1 or (body and not isinstance(body[0], ast.Return | ast.Pass)):
                return True
    return False


MODULES = sorted(
    path.relative_to(SOURCE).with_suffix("").as_posix()
    for path in SOURCE.rglob("*.py")
    if path.name != "__init__.py" and path.parent != SOURCE and has_behaviour(path)
)


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_its_tests(module: str) -> None:
    """A module with behaviour has tests/<room>/test_<module>.py, or a reason in ELSEWHERE."""
    room, _, name = module.rpartition("/")
    expected = TESTS / f"{ELSEWHERE[module]}.py" if module in ELSEWHERE else TESTS / room / f"test_{name}.py"
    assert expected.is_file(), f"{module}.py has no {expected.relative_to(ROOT)}"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_outlives_its_module(path: Path) -> None:
    """A test file names an existing module of its room; `test_<module>_<aspect>.py` is a part of one."""
    room = path.relative_to(TESTS).parts[0]
    if room in OWN:
        return
    name = path.stem.removeprefix("test_")
    names = [module.stem for module in (SOURCE / path.parent.relative_to(TESTS)).glob("*.py")]
    assert any(name == known or name.startswith(known + "_") for known in [*names, "contract"]), f"{path} tests nothing"

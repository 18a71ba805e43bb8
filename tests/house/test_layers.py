"""The import law (docs/architecture.md): floors from bottom to top, no sibling rooms, and a head without effects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "sekisho"
FLOORS = (
    ("model",),
    ("scan", "match", "judge"),
    ("sources", "ledger", "enforce", "notify", "lookup", "fleet", "config"),
    ("engine",),
    ("control", "web"),
    ("cli", "daemon"),
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
DATA = {"stock"}  # what we ship; no code
NARROW = {  # rooms that may see less than everything below them
    "control": ("sekisho.engine.api", "sekisho.model"),
    "web": ("sekisho.engine.api", "sekisho.model"),
    "cli": (
        "sekisho.control.client",
        "sekisho.config",
        "sekisho.match",
        "sekisho.scan",
        "sekisho.judge",
        "sekisho.model",
    ),
}
EFFECTS = {  # modules through which a pure floor would touch the world
    *("asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "pickle", "queue"),
    *("random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess"),
    *("sys", "tempfile", "threading", "urllib", "uuid"),
}
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep", "now", "utcnow", "today"}
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in DATA)


def name_of(path: Path) -> str:
    """Return a file's path below the package, for the name of its test."""
    return str(path.relative_to(SOURCE))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full, so that this test can read them"
            assert node.module is not None
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_below(module: str, package: str) -> bool:
    """Tell whether `module` is `package` or lies in it."""
    return module == package or module.startswith(package + ".")


def breach(importer: str, module: str) -> str:
    """Return what is wrong with a module of room `importer` importing `module`; empty when nothing is."""
    parts = module.split(".")
    if parts[0] != "sekisho" or len(parts) == 1:
        return ""
    room = parts[1]
    if room not in FLOOR:  # a name of the package itself, such as sekisho.__version__
        return "" if room.startswith("_") and room != "__main__" else f"{module} belongs to no floor"
    if room == importer:
        return ""
    if FLOOR[room] >= FLOOR[importer]:
        return f"{importer} (floor {FLOOR[importer]}) may not import {module} (floor {FLOOR[room]})"
    allowed = NARROW.get(importer)
    if allowed and not any(is_below(module, name) for name in allowed):
        return f"{importer} may import only {', '.join(allowed)}, not {module}"
    return ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    """A module imports its own room and lower floors only."""
    parts = path.relative_to(SOURCE).parts
    if len(parts) == 1:  # the package itself and its __main__ stand above all floors
        return
    assert parts[0] in FLOOR, f"{parts[0]} is on no floor: add it to FLOORS and to docs/architecture.md"
    faults = [f"{path}:{line}: {fault}" for line, name in imports_of(path) if (fault := breach(parts[0], name))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", [path for path in MODULES if FLOOR.get(path.parts[-2], 9) <= 1], ids=name_of)
def test_the_head_has_no_effects(path: Path) -> None:
    """Floors 0 and 1 take values and the time, and return values: no clock, file, socket, process, thread or log."""
    faults = [f"{path}:{line}: {name}" for line, name in imports_of(path) if name.split(".")[0] in EFFECTS]
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in {"open", "print", "input", "eval", "exec"}:
            faults.append(f"{path}:{node.lineno}: {called.id}()")
        if (
            isinstance(called, ast.Attribute)
            and called.attr in CLOCKS
            and ast.unparse(called.value).split(".")[0] in {"time", "datetime", "date"}
        ):
            faults.append(f"{path}:{node.lineno}: {ast.unparse(called)}()")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("importer", "module", "lawful"),
    [
        ("judge", "sekisho.model.verdict", True),
        ("judge", "sekisho.match.filter", False),
        ("model", "sekisho.judge.window", False),
        ("control", "sekisho.engine.api.EngineApi", True),
        ("control", "sekisho.engine.engine", False),
        ("control", "sekisho.config.load", False),
        ("cli", "sekisho.control.client", True),
        ("cli", "sekisho.control.server", False),
        ("cli", "sekisho.daemon.run", False),
        ("daemon", "sekisho.enforce.firewall", True),
        ("engine", "re", True),
    ],
)
def test_the_law_itself(importer: str, module: str, lawful: bool) -> None:  # noqa: FBT001 - a column of the table
    """The rules that the tests above apply are those of the architecture page."""
    assert (breach(importer, module) == "") is lawful

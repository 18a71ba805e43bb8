"""From a directory to a Configuration: what the rest of Sekisho asks this room for.

`load` never raises for a mistake in a file: it returns what can run, and every mistake as a Problem. The tree as a
whole is `broken` only when a file of the first layer (`jail.*`, `fail2ban.*`) cannot be understood, since nobody can
tell then what was left unsaid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sekisho import __version__
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.files import STOCK, Files
from sekisho.config.layers import Merged, merge
from sekisho.config.server import doubtful, read_server
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.model.specs import Configuration, FilterSpec, ServerSpec

if TYPE_CHECKING:
    from sekisho.config.definition import Definition

__all__ = [
    "DIRECTORIES",
    "ConfigError",
    "find_directory",
    "find_directory_or_stock",
    "load",
    "load_filter",
    "load_server",
    "options_of_filter",
]

DIRECTORIES = (Path("/etc/sekisho"), Path("/etc/fail2ban"))
"""Where the configuration is looked for, the first that exists."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


def find_directory(explicit: str | None, *, root: Path = Path("/")) -> Path:
    """Return the administrator's directory: the one named, else the first of `DIRECTORIES` that exists beneath `root`.

    Raises ConfigError when there is none. Whoever can do with the stock configuration alone goes on without.
    """
    if explicit is not None:
        if not _is_there(Path(explicit)):
            raise mistake(f"there is no configuration directory {explicit!r}", remedy="name an existing one with -c")
        return Path(explicit)
    for path in (root / each.relative_to("/") for each in DIRECTORIES):
        if _is_there(path):
            return path
    raise mistake(
        f"there is no configuration directory: neither {DIRECTORIES[0]} nor {DIRECTORIES[1]} exists",
        remedy=f"make {DIRECTORIES[0]} with a jail.local in it, or name a directory with -c",
    )


def find_directory_or_stock(explicit: str | None, *, root: Path = Path("/")) -> Path | None:
    """Return the administrator's directory beneath `root`; None, the stock alone, where nobody names or has one.

    Raises ConfigError when the one named does not exist.
    """
    try:
        return find_directory(explicit, root=root)
    except ConfigError:
        if explicit is not None:
            raise
        return None


def _is_there(path: Path) -> bool:
    """Return whether there is such a directory, as far as we may know."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def load(directory: Path, *, overrides: Mapping[str, str] = _NOTHING) -> Configuration:
    """Return everything that the tree says. `overrides` are the command line's socket, pidfile, loglevel ..."""
    files = Files(directory)
    return understand(files, directory, merge(files, "fail2ban"), merge(files, "jail"), overrides)


def understand(
    files: Files, directory: Path, general: Merged, merged: Merged, overrides: Mapping[str, str] = _NOTHING
) -> Configuration:
    """Return what the merged fail2ban.conf (`general`) and jail.conf of the tree in `directory` say."""
    from sekisho.config.jails import JailFiles, read_jails

    constants = constants_of(directory)
    server, problems = read_server(general, overrides, constants)
    problems = [*general.problems, *merged.problems, *problems, *doubtful(general)]
    if not directory.is_dir():
        origin = Origin(str(directory), 0)
        problems.insert(0, Problem(Severity.ERROR, "there is no such configuration directory", origin))
    if general.broken or merged.broken or not directory.is_dir():
        return Configuration(server, (), tuple(problems), broken=True)
    found, jail_problems = read_jails(JailFiles(files, merged, constants, own_log=server.logtarget))
    return Configuration(
        server,
        tuple(jail.spec for jail in found.values() if jail.spec),
        (*problems, *jail_problems),
        failed=tuple(name for name, jail in found.items() if jail.enabled and not jail.spec),
        enabled=tuple(name for name, jail in found.items() if jail.enabled),
    )


def load_server(directory: Path, *, overrides: Mapping[str, str] = _NOTHING) -> ServerSpec:
    """Return what fail2ban.conf says, whatever else is wrong with the tree; reads no other file."""
    general = merge(Files(directory), "fail2ban")
    return read_server(general, overrides, constants_of(directory))[0]


def load_filter(
    directory: Path | None, name: str, options: Mapping[str, str] = _NOTHING, *, journal: bool = False
) -> FilterSpec:
    """Return a filter as a jail would have it.

    `name` is a name under `filter.d` or the path of a file, and may carry arguments (`sshd[mode=aggressive]`), over
    which `options` win. `directory` None: the stock alone. Raises ConfigError, which names file and line.
    """
    from sekisho.config.filters import make_filter, read_texts

    bare, definition = _definition(directory, name, options, journal=journal)
    return make_filter(bare, read_texts(definition), definition.origin)


def options_of_filter(directory: Path | None, name: str, options: Mapping[str, str] = _NOTHING) -> frozenset[str]:
    """Return which options of a rule the filter of `load_filter` sets, be it to the value that they have anyhow."""
    from sekisho.config.filters import read_texts

    return frozenset(read_texts(_definition(directory, name, options, journal=False)[1]))


def _definition(
    directory: Path | None, name: str, options: Mapping[str, str], *, journal: bool
) -> tuple[str, Definition]:
    """A filter's name without arguments, and what its files say."""
    from sekisho.config.brackets import parse_brackets
    from sekisho.config.filters import read_definition

    try:
        bare, arguments = parse_brackets(name)
    except ValueError as error:
        raise mistake(f"invalid filter definition {name!r}: {error}", remedy="write it as name[option=value]") from None
    files, given = Files(directory), {**arguments, **options}
    path = Path(bare) if "/" in bare or bare.endswith((".conf", ".local")) else None
    return bare, read_definition(files, bare, given, journal=journal, constants=constants_of(directory), path=path)


def constants_of(directory: Path | None) -> dict[str, str]:
    """Return what `%( )s` finds in every section."""
    return {"fail2ban_version": __version__, "fail2ban_confpath": str(directory or STOCK)}

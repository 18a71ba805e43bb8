"""Files that nobody reads, logs that are not there, files that anybody may write: what a look at the disk shows."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from sekisho.config.files import Layer, is_stock, matches
from sekisho.config.ini import DEFAULT
from sekisho.config.layers import Merged
from sekisho.config.mistakes import near
from sekisho.config.survey import JailView, Survey
from sekisho.model.problem import Origin, Problem, Severity

_FOLDERS = ("jail.d", "fail2ban.d", "filter.d", "action.d")
_READ = (".conf", ".local")
_SPARE = ("~", ".bak", ".old", ".orig", ".save", ".disabled", ".md", ".txt", ".py", ".example", ".swp")
_SPARE_PARTS = (".dpkg-", ".rpm", ".ucf-", "README")
"""Names under which people and packages keep what is not to be read, and Python actions."""
_INSTEAD = {"iptables": "nftables", "nftables": "iptables-common"}


def judge_files(survey: Survey) -> Iterator[Problem]:
    """Yield what is wrong with the files of the administrator's tree, in the order of their names."""
    read = _read_files(survey)
    for path in sorted(_own_files(survey.directory)):
        if path.stat().st_mode & stat.S_IWOTH:
            text = "everybody may write this file, and root runs the commands that it names"
            yield _problem(path, text, f"chmod o-w {path}")
        folder = path.parent.name if path.parent != survey.directory else ""
        if path.suffix not in _READ:
            if folder and not path.name.endswith(_SPARE) and not any(part in path.name for part in _SPARE_PARTS):
                yield _problem(path, "this file is never read: its name ends in neither .conf nor .local",
                               f"rename it to {path.stem or path.name}.local")  # fmt: skip
        elif path.resolve() not in read:
            problem = _unused(survey, path, folder)
            if problem is not None:
                yield problem


def replaced(survey: Survey) -> Iterator[str]:
    """Yield a remark on each file that stands instead of the stock file of its name."""
    sources = {source.path: source for merged in _all_merged(survey) for source in merged.files}
    for path, source in sources.items():
        if source.layer is Layer.STOCK or path.suffix != ".conf":
            continue
        stock = next(iter(survey.files.stock(source.relative.removesuffix(".conf"))), None)
        if stock is not None and stock.path not in sources:
            yield f"{path} stands instead of the stock file of that name; its mends and its news do not reach you"


def _all_merged(survey: Survey) -> list[Merged]:
    parts = [part for jail in survey.jails for part in jail.parts]
    return [survey.general, survey.merged, *(part.definition.merged for part in parts)]


def _read_files(survey: Survey) -> set[Path]:
    return {source.path.resolve() for merged in _all_merged(survey) for source in merged.files}


def _own_files(directory: Path) -> Iterator[Path]:
    yield from (path for path in directory.glob("*") if path.is_file() and not path.name.startswith("."))
    for folder in _FOLDERS:
        yield from (path for path in (directory / folder).glob("*") if path.is_file() and path.name[0] != ".")


def _unused(survey: Survey, path: Path, folder: str) -> Problem | None:
    """A distribution's tree holds many files for jails that nobody enables; only an administrator's are mistakes."""
    if path.suffix == ".conf" and (survey.directory / "jail.conf").is_file():
        return None
    if path.name.startswith("paths-") or (folder and folder not in ("filter.d", "action.d")):
        return None
    if not folder:
        remedy = near(path.name, ("jail.local", "jail.conf", "fail2ban.local", "fail2ban.conf")) or "remove it"
        return _problem(path, "this file is never read", remedy)
    kind = folder.removesuffix(".d")
    if path.stem in set(survey.filters_named()) and folder == "filter.d":
        return None
    if _belongs_to_failed(survey, path):
        return None
    used = sorted({part.name for jail in survey.jails for part in jail.parts if part.folder == folder})
    family = next((new for old, new in _INSTEAD.items() if path.stem.startswith(old)), None)
    if family and any(name.startswith(family.partition("-")[0]) for name in used):
        remedy = f"what it sets belongs into {folder}/{family}.local"
    else:
        others = [name for name in survey.files.names(folder) if name != path.stem]
        remedy = near(path.stem, others) or f"remove it, or name {kind} {path.stem!r} in an enabled jail"
    return _problem(path, f"no enabled jail uses {kind} {path.stem!r}, so that this file changes nothing", remedy)


def _belongs_to_failed(survey: Survey, path: Path) -> bool:
    """Whether a jail in error may read the file; the error is told, and more would confuse."""
    if any(
        problem.origin is not None and problem.origin.file == str(path) for problem in survey.configuration.problems
    ):
        return True
    sections = [survey.merged.sections[name] for name in (*survey.configuration.failed, DEFAULT)]
    texts = [option.text for options in sections for option in options.values() if not is_stock(option.origin)]
    return bool(survey.configuration.failed) and any(path.stem in text for text in texts)


def _problem(path: Path, text: str, remedy: str) -> Problem:
    return Problem(Severity.WARNING, text, Origin(str(path), 0), remedy=remedy)


def judge_sources(jail: JailView, logtarget: str) -> Iterator[Problem]:
    """Yield a jail whose log is not there, or that reads all of the journal."""
    spec = jail.spec
    fed = spec.filter.name == "recidive" and any(log.pattern == logtarget for log in spec.logpaths)
    if spec.backend.is_journal and not spec.journalmatch:
        text = "there is no journalmatch: every entry of the journal is tried"
        remedy = "set journalmatch = _SYSTEMD_UNIT=NAME.service in the filter or the jail"
        yield Problem(Severity.WARNING, text, jail.place("backend"), spec.name, remedy)
    elif not spec.backend.is_journal and spec.logpaths and not fed:
        patterns = [log.pattern for log in spec.logpaths]
        if not any(map(matches, patterns)):
            text = f"no file matches logpath {' '.join(patterns)!r}: nothing is read"
            remedy = "check the path, or set backend = systemd where the service logs to the journal"
            yield Problem(Severity.WARNING, text, jail.place("logpath", patterns[0]), spec.name, remedy)

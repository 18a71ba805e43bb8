"""Where configuration files lie: the administrator's directory over the stock one, and how they are read.

A file is known by its path within the tree (`filter.d/sshd.conf`), so that the same name can be found in both layers.
The stock layer is the package's own `stock` folder. What stock files include is looked up in both layers, the
administrator's over the stock one; what the administrator's files include is theirs alone where they have it, so that a
whole Fail2ban tree means exactly what it meant.
"""

from __future__ import annotations

import enum
import functools
import glob
import os.path
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sekisho.config.ini import DEFAULT, Document, parse_ini
from sekisho.config.system import AUTO, System, detect_system
from sekisho.model.problem import Origin, Problem, Severity

STOCK = Path(__file__).resolve().parent.parent / "stock"


def is_stock(origin: Origin) -> bool:
    """Whether something stands in a file that Sekisho ships."""
    return origin.file.startswith(f"{STOCK}/")


def matches(pattern: str) -> list[str]:
    """Return the paths that the glob of a log path names and that exist, sorted; a dangling link does not."""
    return sorted(path for path in glob.iglob(pattern) if os.path.exists(path))  # noqa: PTH110, PTH207 - text of a path


class Layer(enum.Enum):
    """Who wrote a file. `APART`: one that was named by its path and lies in no tree."""

    STOCK = "stock"
    OWN = "own"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a tree: its place on disk and its path within the tree."""

    path: Path
    relative: str
    layer: Layer


class Files:
    """The files of one administrator's directory (None: the stock alone); each is read once.

    `root` is where the host lies whose system is asked for.
    """

    def __init__(self, directory: Path | None, *, root: Path = Path("/")) -> None:
        self.directory = directory
        self.root = root
        self._documents: dict[Path, Document] = {}

    @functools.cached_property
    def system(self) -> System:
        """Which system `paths-auto.conf` stands for."""
        return detect_system(self.root)

    def document(self, source: Source) -> Document:
        """Return what the file says; a file that cannot be read is a broken document that says why."""
        known = self._documents.get(source.path)
        if known is None:
            known = self._documents[source.path] = _read(source.path)
        return known

    def stock(self, name: str) -> list[Source]:
        """Return the stock file of `name` (`jail`, `filter.d/sshd`), if there is one."""
        return self._in(Layer.STOCK, f"{name}.conf")

    def own(self, name: str) -> list[Source]:
        """Return the administrator's files of `name`, the later over the earlier (COMPAT 1.1)."""
        return [
            *self._in(Layer.OWN, f"{name}.conf"),
            *self._folder(f"{name}.d", "conf"),
            *self._in(Layer.OWN, f"{name}.local"),
            *self._folder(f"{name}.d", "local"),
        ]

    def script(self, name: str) -> Path | None:
        """Return the program text of that name, the administrator's before the stock one; None where there is none."""
        found = [*self._in(Layer.OWN, name), *self._in(Layer.STOCK, name)]
        return found[0].path if found else None

    def included(self, name: str, by: Source) -> list[Source]:
        """Return the files that an include of `name` stands for, the `.local` beside it last; none is no mistake."""
        path = Path(name)
        if name == AUTO:
            return self.included(self.system.paths, by)
        if path.is_absolute():
            return [
                Source(each, by.relative, Layer.APART) for each in (path, path.with_suffix(".local")) if each.is_file()
            ]
        if by.layer is Layer.APART:
            near = by.path.parent / name
            if near.is_file():
                beside = (near, near.with_suffix(".local"))
                return [Source(each, by.relative, Layer.APART) for each in beside if each.is_file()]
        relative = os.path.normpath(PurePosixPath(by.relative).parent / name)
        own = self._in(Layer.OWN, relative)
        stock = self._in(Layer.STOCK, relative) if by.layer is Layer.STOCK or not own else []
        local = str(PurePosixPath(relative).with_suffix(".local"))
        return stock + own + (self._in(Layer.OWN, local) if local != relative else [])

    def names(self, folder: str) -> list[str]:
        """Return the names that `folder` (`filter.d`) defines in either layer, sorted, for suggestions."""
        roots = [STOCK] if self.directory is None else [STOCK, self.directory]
        found = {
            path.stem for root in roots for path in (root / folder).glob("*") if path.suffix in (".conf", ".local")
        }
        return sorted(found)

    def _in(self, layer: Layer, relative: str) -> list[Source]:
        root = STOCK if layer is Layer.STOCK else self.directory
        if root is None:
            return []
        path = root / relative
        return [Source(path, relative, layer)] if _is_there(path) else []

    def _folder(self, relative: str, suffix: str) -> Iterator[Source]:
        if self.directory is None:
            return
        folder = self.directory / relative
        if folder.is_dir():
            for path in sorted(folder.glob(f"*.{suffix}")):
                if not path.name.startswith("."):
                    yield Source(path, f"{relative}/{path.name}", Layer.OWN)


def _is_there(path: Path) -> bool:
    """True for anything at `path`: what is there and is no readable file is a mistake to report, not to pass over."""
    return os.path.lexists(path)


def _read(path: Path) -> Document:
    label = str(path)
    try:
        if not path.is_file():  # a FIFO or a device would never end
            return _unreadable(label, "cannot be read: it is no regular file", "remove it, or put a file in its place")
        return parse_ini(path.read_text(encoding="utf-8"), label)
    except UnicodeDecodeError as error:
        return _unreadable(label, f"is not UTF-8 (byte {error.start})", "save the file as UTF-8")
    except OSError as error:
        return _unreadable(label, f"cannot be read: {error.strerror}", "check its owner and mode")


def _unreadable(label: str, text: str, remedy: str) -> Document:
    problem = Problem(Severity.ERROR, f"the file {text}", Origin(label, 0), remedy=remedy)
    return Document({DEFAULT: {}}, {}, (problem,), broken=True)

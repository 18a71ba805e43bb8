"""The files beside the unit that make a program at home on a system: manual pages and completion, and where they go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sekisho.cli import man
from sekisho.cli.completion import PROGRAMS, render_script
from sekisho.cli.manual import programs

_SHELLS = (  # the shell, its directory, how a file is named in it, and where packages put theirs
    ("bash", "usr/local/share/bash-completion/completions", "{}", ("usr/share/bash-completion/completions",)),
    ("zsh", "usr/local/share/zsh/site-functions", "_{}", ("usr/share/zsh/vendor-completions",)),
    ("fish", "etc/fish/completions", "{}.fish", ("usr/share/fish/vendor_completions.d", "usr/share/fish/completions")),
)  # fish, where XDG_DATA_DIRS is not set, does not look below /usr/local


@dataclass(frozen=True, slots=True)
class Paper:
    """A file to write: `path` below the root, its text, or what it is a link to.

    `mark` is what tells a file of ours, and `packaged` are patterns of the files in whose presence ours is not wanted.
    """

    path: str
    text: str = ""
    link: str = ""
    mark: str = ""
    packaged: tuple[str, ...] = ()


def papers(verbs: Mapping[str, str], *, sekisho: str) -> list[Paper]:
    """Return what is to be written; `sekisho` is the program that completion asks."""
    return [*_pages(verbs), *(paper for row in _SHELLS for paper in _scripts(*row, verbs=verbs, sekisho=sekisho))]


def _pages(verbs: Mapping[str, str]) -> list[Paper]:
    told = programs(verbs)
    date = time.strftime("%Y-%m-%d", time.gmtime(Path(__file__).stat().st_mtime))  # of the release that is installed
    return [
        Paper(
            f"usr/local/share/man/man1/{program.name}.1",
            man.render(program, [each.name for each in told if each is not program], date=date),
            mark=man.MARK,
            packaged=(f"usr/share/man/man1/{program.name}.1*",),
        )
        for program in told
    ]


def _scripts(
    shell: str, folder: str, form: str, packages: tuple[str, ...], *, verbs: Mapping[str, str], sekisho: str
) -> list[Paper]:
    """One script for all programs; shells that look for one by a program's name find it by links."""
    found = []
    first, *others = (form.format(name) for name in PROGRAMS)
    text = render_script(shell, verbs, sekisho=sekisho)
    for name in (first, *(others if shell != "zsh" else ())):
        packaged = tuple(f"{package}/{name}" for package in packages)
        written = {"text": text} if name == first else {"link": first}
        found.append(Paper(f"{folder}/{name}", mark=f"sekisho completion {shell}", packaged=packaged, **written))
    return found

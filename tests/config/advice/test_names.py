"""Names that nobody knows."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.names import survey_names
from sekisho.config.options import ACTION
from sekisho.config.survey import survey

_F = "[Definition]\nfailregex = ^f from <HOST>$\n"


def told(directory: Tree, files: dict[str, str]) -> list[str]:
    """Return what is told of a tree, with the remedies; only the port 7 has a name of the system's."""
    found = survey_names(survey(directory(files)), lambda name, _: 7 if name == "echo" else None)
    return [f"{problem.text} ({problem.remedy})" for problem in found]


@pytest.mark.parametrize(
    ("jail", "words"),
    [
        ("action = nftables[prt=ssh]", "action 'nftables' knows no argument 'prt' (here 'ssh') (did you mean 'port'?)"),
        ("banaction = nftables[quite_new=1]\naction = %(action_)s", "knows no argument 'quite_new'"),
        ("action = nftables[port='ssh,sshh']", "port 'sshh' is known neither"),
    ],
)
def test_what_an_action_does_not_know(tree: Tree, jail: str, words: str) -> None:
    """Each argument that no file mentions, wherever it was written."""
    (text,) = told(tree, {"filter.d/f.conf": _F, "jail.local": f"[j]\nenabled = true\nfilter = f\n{jail}\n"})
    assert words in text


@pytest.mark.parametrize(
    "files",
    [
        {"jail.local": "[j]\nenabled = true\nfilter = f[mode=x]\nport = echo,imap3,22,60000:61000\n"},
        {
            "jail.local": "[j]\nenabled = true\nfilter = f\naction = a[my=1, port=ssh]\n",
            "action.d/a.conf": "[Definition]\nactionban = echo <my> <_x>\n_x = 1\nfailregx_of_mine = 2\n",
        },
        {"jail.local": "[j]\nenabled = true\nfilter = f\nport = nosuch\naction = nftables[type=allports]\n"},
        {"jail.local": "[DEFAULT]\nmine = 1\n[elsewhere]\nlist = 1 2 3\n"},
        {
            "jail.local": "[j]\nenabled = true\nfilter = f\naction = a\n",
            "action.d/a.conf": "[Definition]\n" + "".join(f"{word} = true\n" for word in ACTION),
        },
    ],
)
def test_what_somebody_reads_is_fine(tree: Tree, files: dict[str, str]) -> None:
    """Names of the administrator's own, and arguments that are passed to all, cause no message."""
    assert told(tree, {"filter.d/f.conf": _F, **files}) == []


def test_sections_that_nobody_reads(tree: Tree) -> None:
    """A jail's name mistyped, and a section of a filter."""
    files = {
        "filter.d/f.local": f"{_F}[Intt]\nx = 1\n",
        "jail.local": "[postfx]\nmaxretry = 1\n[j]\nenabled = true\nfilter = f\naction = observe\n",
    }
    assert told(tree, files) == [
        "section [postfx] is a jail that nobody enables (did you mean 'postfix'?)",
        "section [Intt] is read by nobody (did you mean 'Init'?)",
    ]

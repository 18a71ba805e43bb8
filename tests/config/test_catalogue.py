"""What filters say of themselves."""

from __future__ import annotations

from pathlib import Path

from tests.config.conftest import Tree

from sekisho.config.catalogue import Entry, read_catalogue
from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.load import load_filter

MINE = r"""
    [Catalogue]
    service = Thing 2 and 3: `thingd`, any name
    counts = failed logins,
             too many attempts
    mode-normal = failed logins
    mode-all = also probes
    needs = `level = info`
    note = 100% of them
    example =
        Aug 14 11:00:01 thingd: 50% done
        Aug 14 11:00:02 thingd: bad login from 192.0.2.1
    program = thingd thing
    [Definition]
    mode = normal
    failregex = bad login from <ADDR>$
"""
JAILS = """
    [DEFAULT]
    filter = %(__name__)s[mode=normal]
    [thing]
    [thing-too]
    filter = thing[mode=all]
    [other]
    [broken]
    filter = %(nosuch)s
    [unclear]
    filter = thing[x
"""


def entry_of(directory: Path, name: str) -> Entry:
    """The entry of one filter in a tree."""
    files = Files(directory)
    (entry,) = [each for each in read_catalogue(files, merge(files, "jail"), {}) if each.filter == name]
    return entry


def test_a_filter_describes_itself(tree: Tree) -> None:
    """Every option of the section is read, texts as one line, a percent sign for what it is; jails are found."""
    entry = entry_of(tree({"filter.d/thing.conf": MINE, "jail.conf": JAILS}), "thing")
    assert (entry.service, entry.product) == ("Thing 2 and 3: `thingd`, any name", "Thing 2 and 3")
    assert entry.counts == "failed logins, too many attempts"
    assert (dict(entry.modes), entry.default) == ({"normal": "failed logins", "all": "also probes"}, "normal")
    assert (entry.needs, entry.note) == ("`level = info`", "100% of them")
    assert entry.example == (
        "Aug 14 11:00:01 thingd: 50% done",
        "Aug 14 11:00:02 thingd: bad login from 192.0.2.1",
    )
    assert entry.programs == ("thingd", "thing")
    assert entry.jails == ("thing", "thing-too")


def test_the_section_means_nothing_to_what_matches(tree: Tree) -> None:
    """A lone percent sign in it breaks nothing, and its options are none of the filter's."""
    spec = load_filter(tree({"filter.d/thing.conf": MINE}), "thing")
    assert spec.failregex == ("bad login from <ADDR>$",)
    assert not {"service", "example", "program"} & set(spec.options)


def test_a_filter_of_ones_own_is_described_as_the_stock_one_was(tree: Tree) -> None:
    """Whoever comes with a whole tree of filters learns what each is for, and that it is another file."""
    directory = tree({"filter.d/sshd.conf": "[Definition]\nfailregex = from <ADDR>$\n", "filter.d/dovecot.local": "\n"})
    replaced, kept = entry_of(directory, "sshd"), entry_of(directory, "dovecot")
    assert replaced.programs == ("sshd",)
    assert (replaced.instead, kept.instead) == (f"{directory}/filter.d/sshd.conf", "")


def test_a_filter_that_nobody_describes_is_not_in_the_catalogue(tree: Tree) -> None:
    """Nor is what others include."""
    files = Files(tree({"filter.d/mine.conf": "[Definition]\nfailregex = from <ADDR>$\n"}))
    names = {entry.filter for entry in read_catalogue(files, merge(files, "jail"), {})}
    assert not {"mine", "common", "exim-common"} & names


def test_little_is_enough(tree: Tree) -> None:
    """What is not said is empty; without modes there is no default one, whatever `mode` is for."""
    directory = tree({"filter.d/t.conf": "[Catalogue]\nservice = T\n[Definition]\nmode = x\n", "jail.conf": "[j]\n"})
    assert entry_of(directory, "t") == Entry("t", service="T")

"""`sekisho filters`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sekisho.cli.main import main

THING = """\
[Catalogue]
service = Thing 3: `thingd`
counts = failed logins
mode-normal = failed logins
mode-all = also probes
needs = `level = info`
note = mind the \x1b[2J
example = Aug 14 11:00:01 thingd: 100% bad `x` from 192.0.2.1
program = thingd
[Definition]
mode = normal
failregex = bad `x` from <ADDR>$
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with a filter of one's own, two jails that use it, and a filter that says nothing of itself."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d/thing.conf").write_text(THING)
    (tmp_path / "filter.d/silent.conf").write_text("[Definition]\nfailregex = from <ADDR>$\n")
    (tmp_path / "jail.local").write_text(
        "[thing]\nport = 7000\nlogpath = /var/log/thing.log\nenabled = true\n"
        "[thing-too]\nfilter = thing[mode=all]\nbackend = systemd\nport = %(nosuch)s\n"
    )
    return tmp_path


def told(tree: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What is printed."""
    assert main(["filters", "-c", str(tree), *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_filter_is_shown_whole(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Code loses its marks, the example keeps them; what is written there cannot steer the terminal."""
    assert told(tree, capsys, "thing") == [
        "thing: Thing 3: thingd",
        "  counts   failed logins",
        "  modes    normal  failed logins (default)",
        "           all     also probes",
        "  needs    level = info",
        r"  note     mind the \x1b[2J",
        "  example  Aug 14 11:00:01 thingd: 100% bad `x` from 192.0.2.1",
        "  jails    thing: port 7000, reads /var/log/thing.log, enabled",
        "           thing-too: port ?, reads the journal",
    ]


def test_without_a_word_all_are_listed(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line each: name, service, what counts."""
    head, *lines = told(tree, capsys)
    assert head.split() == ["FILTER", "SERVICE", "COUNTS"]
    assert [line.split("  ")[0] for line in lines if line.startswith(("sshd ", "thing "))] == ["sshd", "thing"]
    assert len(lines) > 80


def test_any_other_word_is_looked_for(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In names, services, programs and what counts, whatever its case; a name is itself alone."""
    found = {line.split()[0] for line in told(tree, capsys, "Thingd", "MARIADB", "murmur")}
    assert found == {"FILTER", "thing", "mysqld-auth", "murmur"}


def test_one_that_is_found_is_shown_whole(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As are several whose names were all said."""
    assert told(tree, capsys, "mumble")[0].startswith("murmur: ")
    assert [line for line in told(tree, capsys, "thing", "sshd") if "OpenSSH" in line or "Thing 3" in line] == [
        "sshd: OpenSSH 6 to 10: sshd and sshd-session",
        "thing: Thing 3: thingd",
    ]


def test_a_file_that_replaces_the_stock_one_is_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For it may count something else."""
    (tree / "filter.d/sshd.conf").write_text("[Definition]\nfailregex = from <ADDR>$\n")
    (line,) = [line for line in told(tree, capsys, "sshd") if line.startswith("  file ")]
    assert f"{tree}/filter.d/sshd.conf stands instead of the stock filter" in line


def test_programs_get_all_of_it(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With every text as it is written."""
    (found,) = json.loads("\n".join(told(tree, capsys, "thing", "--json")))["filters"]
    assert found["service"] == "Thing 3: `thingd`"
    assert found["modes"] == {"normal": "failed logins", "all": "also probes"}
    assert found["jails"] == ["thing", "thing-too"]


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("silent", "filter 'silent' does not describe itself: a section [Catalogue] in its file would"),
        ("murmr", "no filter speaks of 'murmr'; did you mean 'murmur'?"),
        ("xyzzy", "no filter speaks of 'xyzzy'; all there are: sekisho filters"),
    ],
)
def test_what_is_not_found(tree: Path, capsys: pytest.CaptureFixture[str], word: str, words: str) -> None:
    """The status is that of a failure, and the text leads on."""
    assert main(["filters", "-c", str(tree), word]) == 1
    assert capsys.readouterr().err == f"sekisho: {words}\n"


def test_a_directory_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is not taken for the stock alone."""
    assert main(["filters", "-c", str(tmp_path / "none")]) == 1
    assert "there is no configuration directory" in capsys.readouterr().err

"""fail2ban.conf."""

from __future__ import annotations

import grp

import pytest
from tests.config.conftest import Tree

from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.server import doubtful, read_server
from sekisho.model.problem import Severity
from sekisho.model.specs import ServerSpec


def test_the_stock_says_what_the_design_says() -> None:
    """Paths of our own, Fail2ban's log (DESIGN section 4)."""
    spec, problems = read_server(merge(Files(None), "fail2ban"), {}, {})
    assert spec == ServerSpec()
    assert problems == []


def test_values_are_read_from_both_sections_and_the_command_line_wins(tree: Tree) -> None:
    """[DEFAULT] serves as well as [Definition] (COMPAT 1.8)."""
    directory = tree(
        {
            "fail2ban.local": """
            [DEFAULT]
            loglevel = debug
            allowipv6 = On
            [Definition]
            socket = /run/x.sock
            dbpurgeage = 2d
            dbmaxmatches = 3
            logtarget = SYSLOG[facility=DAEMON]
            """
        }
    )
    spec, problems = read_server(merge(Files(directory), "fail2ban"), {"pidfile": "/run/x.pid", "loglevel": "7"}, {})
    assert spec == ServerSpec(
        loglevel="7",
        allowipv6="yes",
        socket="/run/x.sock",
        pidfile="/run/x.pid",
        dbpurgeage=172800,
        dbmaxmatches=3,
        logtarget="SYSLOG[facility=DAEMON]",
    )
    assert problems == []


def test_bans_may_outlive_the_daemon(tree: Tree) -> None:
    """`onstop` knows two words; any other is told, and bans are lifted as ever."""
    for text, onstop, told in (("KEEP", "keep", []), ("hold", "lift", ["use lift or keep; lift is used"])):
        directory = tree({"fail2ban.local": f"[Definition]\nonstop = {text}\n"})
        spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
        assert (spec.onstop, [problem.remedy for problem in problems]) == (onstop, told)


def test_a_group_may_use_the_socket(tree: Tree) -> None:
    """To read, or to change things too."""
    name = grp.getgrall()[-1].gr_name
    directory = tree({"fail2ban.local": f"[Definition]\nsocketgroup = {name}\n"})
    spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
    assert (spec.socketgroup, spec.socketaccess, problems) == (name, "read", [])
    directory = tree({"fail2ban.local": f"[Definition]\nsocketgroup = {name}\nsocketaccess = Write\n"})
    assert read_server(merge(Files(directory), "fail2ban"), {}, {})[0].socketaccess == "write"


def test_a_group_that_does_not_exist_is_told_and_nobody_but_root_is_let_in(tree: Tree) -> None:
    """With file and line; the daemon starts all the same. An access that is neither grants the lesser one."""
    directory = tree({"fail2ban.local": "[Definition]\nsocketgroup = no-such-group\nsocketaccess = all\n"})
    spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
    assert (spec.socketgroup, spec.socketaccess) == ("", "read")
    assert [(problem.origin.line if problem.origin else 0, problem.remedy) for problem in problems] == [
        (2, "there is no such group on this host; the socket is for root alone"),
        (3, "use read or write; read is used"),
    ]


def test_the_guard_can_be_taken_away(tree: Tree) -> None:
    """It is there unless the word is `off`; what is neither leaves it in place, and is told."""
    for text, guard, remedies in (
        ("", "auto", []),
        ("OFF", "off", []),
        ("no", "auto", ["use auto or off; auto is used"]),
    ):
        directory = tree({"fail2ban.local": f"[Definition]\nguard = {text}\n"})
        spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
        assert (spec.guard, [problem.remedy for problem in problems]) == (guard, remedies)


@pytest.mark.parametrize("text", ["None", "none", ":memory:"])
def test_without_a_ledger_nothing_is_kept(tree: Tree, text: str) -> None:
    """Both ways to say so are understood."""
    directory = tree({"fail2ban.conf": f"[Definition]\ndbfile = {text}\n"})
    assert read_server(merge(Files(directory), "fail2ban"), {}, {})[0].dbfile is None


def test_fail2bans_own_database_is_never_our_ledger(tree: Tree) -> None:
    """An existing tree names it; it is left alone, and the change is told."""
    directory = tree({"fail2ban.conf": "[Definition]\ndbfile = /var/lib/fail2ban/fail2ban.sqlite3\n"})
    spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
    assert spec.dbfile == "/var/lib/sekisho/ledger.sqlite"
    assert [problem.severity for problem in problems] == [Severity.WARNING]


def test_a_wrong_value_is_told_and_the_default_serves(tree: Tree) -> None:
    """The daemon starts all the same."""
    text = (
        "[Definition]\nloglevel = LOUD\nallowipv6 = maybe\ndbmaxmatches = x\ndbpurgeage = soon\nlogtarget = %(nope)s\n"
    )
    spec, problems = read_server(merge(Files(tree({"fail2ban.conf": text})), "fail2ban"), {}, {})
    assert spec == ServerSpec()
    assert sorted(problem.origin.line for problem in problems if problem.origin) == [2, 3, 4, 5, 6]
    assert all(problem.severity is Severity.ERROR for problem in problems)


def test_a_misspelt_or_joined_option_is_told(tree: Tree) -> None:
    """The daemon would go on with the default, and nobody would know why."""
    text = "[Definition]\nlog_level = DEBUG\nlogtarget = /x pidfile = /y\nstacksize = 0\n"
    found = doubtful(merge(Files(tree({"fail2ban.conf": text})), "fail2ban"))
    assert [(problem.origin.line if problem.origin else 0, problem.remedy) for problem in found] == [
        (3, "leave `logtarget = /x` and put `pidfile = /y` on a line of its own"),
        (2, "did you mean 'loglevel'?"),
    ]


@pytest.mark.parametrize(
    ("text", "size", "wrong"), [("0", 0, False), ("256", 256, False), ("8", 0, True), ("big", 0, True)]
)
def test_the_stack_of_a_thread_can_be_set(tree: Tree, text: str, size: int, wrong: bool) -> None:  # noqa: FBT001
    """In KiB, in a section of its own; one that no thread can live with is told, and not used."""
    directory = tree({"fail2ban.local": f"[Thread]\nstacksize = {text}\n"})
    spec, problems = read_server(merge(Files(directory), "fail2ban"), {}, {})
    assert spec.stacksize == size
    assert bool(problems) is wrong

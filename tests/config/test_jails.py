"""Jails."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.problem import Severity
from sekisho.model.specs import BackendSpec, Configuration, IgnoreCommandSpec, JailSpec, LogPath, RecordSpec

_FILTER = {"filter.d/f.conf": "[Definition]\nfailregex = ^fail from <HOST>$\njournalmatch = A=1\n"}
_BASE = {
    **_FILTER,
    "action.d/note.conf": "[Definition]\nactionban = note <ip>\n",
    "jail.conf": "[DEFAULT]\nfilter = f\naction = note\nlogpath = /var/log/x\n",
}


def load_local(tree: Tree, text: str, **more: str) -> Configuration:
    """Load a tree that has a filter, an action and this jail.local."""
    return load(tree({**_BASE, "jail.local": text, **more}))


def only_jail(tree: Tree, text: str) -> JailSpec:
    """Return the one jail `[j]`, which must have no problems."""
    found = load_local(tree, f"[j]\nenabled = true\n{text}")
    assert found.problems == ()
    return found.jails[0]


def told(found: Configuration) -> list[str]:
    """Return each problem as `severity line jail: text`."""
    return [
        f"{problem.severity.value} {problem.origin.line if problem.origin else 0} {problem.jail}: {problem.text}"
        for problem in found.problems
    ]


def test_a_jail_is_read_whole(tree: Tree) -> None:
    """Every option has its place and its meaning (COMPAT 1.7, 4.2; 9, case 15)."""
    jail = only_jail(
        tree,
        """backend = Polling
logpath = /var/log/a.log tail
   /var/log/b*.log
   /var/log/c.log head
bantime = 3600 ; inline comment
findtime = 1h 30m
maxretry = 4
maxmatches = %(maxretry)s
ignoreip = 127.0.0.1/8 ::1,\t192.0.2.77 host.example
ignoreself = false
usedns = no
logencoding = latin-1
logtimezone = UTC+0200
""",
    )
    assert jail.backend == BackendSpec("polling")
    assert jail.logpaths == (
        LogPath("/var/log/a.log", tail=True),
        LogPath("/var/log/b*.log"),
        LogPath("/var/log/c.log"),
    )
    assert (jail.bantime, jail.findtime, jail.maxretry, jail.maxmatches) == (3600, 5400, 4, 4)
    assert jail.ignoreip == ("127.0.0.1/8", "::1", "192.0.2.77", "host.example")
    assert (jail.ignoreself, jail.usedns) == (False, "no")
    assert (jail.logencoding, jail.logtimezone) == ("latin-1", "UTC+0200")
    assert jail.filter.failregex == ("^fail from <HOST>$",)
    assert [action.actname for action in jail.actions] == ["note"]


def test_settings_say_what_holds_and_who_said_so(tree: Tree) -> None:
    """Every effective option has its expanded text and its file and line; a broken unused one is left out."""
    settings = only_jail(tree, "port = 22\nnote = p%(port)s\nunused = %(nope)s\n").settings
    assert settings["note"].text == "p22"
    assert str(settings["note"].origin).endswith("jail.local:4")
    assert str(settings["filter"].origin).endswith("jail.conf:2")
    assert "unused" not in settings


def test_a_journal_jail_has_its_filters_match_or_its_own(tree: Tree) -> None:
    """The section's `journalmatch` beats the filter's; backend arguments are kept (COMPAT 1.5, 4.4)."""
    jail = only_jail(tree, "backend = systemd[journalflags=1, journalpath=/x]\n")
    assert jail.backend.is_journal
    assert jail.backend.options == {"journalflags": "1", "journalpath": "/x"}
    assert jail.journalmatch == ("A=1",)
    assert only_jail(tree, "backend = systemd\njournalmatch = B=2\n   C=3\n").journalmatch == ("B=2", "C=3")


def test_a_section_extends_its_filter(tree: Tree) -> None:
    """`known/failregex` is the filter's text, whatever earlier layers said (asked of Fail2ban 1.0.2)."""
    found = load_local(
        tree,
        "[j]\nenabled = true\nfailregex = lost <HOST>\n",
        **{"jail.d/x.local": "[j]\nfailregex = %(known/failregex)s\n  ^more <HOST>$\nmaxlines = 2\nignoreregex = ^n\n"},
    )
    assert found.jails[0].filter.failregex == ("^fail from <HOST>$", "^more <HOST>$")
    assert found.jails[0].filter.maxlines == 2
    assert found.jails[0].filter.ignoreregex == ("^n",)


def test_a_jails_mistake_is_its_own(tree: Tree) -> None:
    """Unknown references, filters and actions, bad brackets, times: each stops one jail, the others run."""
    found = load_local(
        tree,
        """
        [DEFAULT]
        enabled = true
        [good]
        [reference]
        bantime = %(nope)s
        [nofilter]
        filter = nosuch
        [noaction]
        action = nosuch
        [brackets]
        filter = f[x=1]b
        [time]
        findtime = soon
        [path]
        logpath = /a /b
        [backend]
        backend = systemdd
        [off]
        enabled = false
        bantime = %(nope)s
        """,
    )
    assert [jail.name for jail in found.jails] == ["good"]
    assert found.failed == ("reference", "nofilter", "noaction", "brackets", "time", "path", "backend")
    assert told(found) == [
        "error 5 reference: 'bantime' refers to %(nope)s, which is set neither in [reference] nor in [DEFAULT]",
        "error 7 nofilter: there is no filter 'nosuch'",
        "error 9 noaction: there is no action 'nosuch'",
        "error 11 brackets: invalid filter definition 'f[x=1]b': unexpected option syntax",
        "error 13 time: 'findtime': duration 'soon': name 'soon' is not defined",
        "error 15 path: 'logpath' line '/a /b' ends in '/b', which is neither head nor tail",
        "error 17 backend: unknown backend 'systemdd'",
    ]


def test_two_options_on_one_line_are_an_error_even_in_enabled(tree: Tree) -> None:
    """The sloppy editor of DESIGN section 1: the jail is not silently off."""
    found = load_local(tree, "[j]\nenabled = true port = ssh\n[k]\nenabled = true\n")
    assert told(found) == ["error 2 j: 'enabled' is 'true port = ssh': another option stands on the same line"]
    assert found.problems[0].remedy == "leave `enabled = true` and put `port = ssh` on a line of its own"
    assert ([jail.name for jail in found.jails], found.failed) == (["k"], ("j",))


def test_a_mistake_in_default_is_told_once(tree: Tree) -> None:
    """Not once for each jail; it concerns no jail alone."""
    found = load_local(tree, "[DEFAULT]\nfindtime = soon\n[a]\nenabled = 1\n[b]\nenabled = 1\n")
    assert told(found) == ["error 2 None: 'findtime': duration 'soon': name 'soon' is not defined"]
    assert found.failed == ("a", "b")


def test_what_works_but_hardly_as_meant_is_a_warning(tree: Tree) -> None:
    """The jail runs, and its administrator is told."""
    found = load_local(
        tree,
        """
        [this-jail-has-a-very-long-name]
        enabled = true
        bantime = -5
        maxretry = 0
        usedns = bogus
        ignoreip = 10.0.0.0/33
        logencoding = klingon
        bantmie = 3
        ignorecommand = /usr/bin/friend <ip>
        action =
        [default]
        """,
    )
    assert {problem.severity for problem in found.problems} == {Severity.WARNING}
    assert sorted(problem.origin.line for problem in found.problems if problem.origin) == [
        *(1, 3, 4, 5, 6, 7, 8, 10, 11)
    ]
    jail = found.jails[0]
    assert (jail.usedns, jail.logencoding, jail.bantime, jail.actions) == ("no", "auto", -5, ())
    assert jail.ignorecommand == IgnoreCommandSpec("/usr/bin/friend <ip>")


def test_a_disabled_jail_is_looked_at_with_half_an_eye(tree: Tree) -> None:
    """What is written there does no harm yet, so it is no error."""
    found = load_local(tree, "[j]\nport = ssh logpath = /x\n[k]\nenabled = true\n")
    assert told(found) == ["warning 2 j: 'port' is 'ssh logpath = /x': another option stands on the same line"]


def test_a_jail_without_filter_or_log_runs_with_a_warning(tree: Tree) -> None:
    """As in Fail2ban (COMPAT 9, case 11)."""
    found = load(tree({"jail.conf": "[k]\nenabled = true\n"}))
    assert [jail.name for jail in found.jails] == ["k"]
    assert told(found) == [
        "warning 2 k: no filter is set",
        "warning 2 k: there is nothing to read",
        "warning 2 k: no action is set: bans are kept, but not carried out",
    ]


def test_a_python_action_has_its_file(tree: Tree) -> None:
    """The administrator's file before the stock one of that name; one that is nowhere is a mistake of its jail."""
    (stock,) = load_local(tree, "[j]\nenabled = true\naction = smtp.py[dest=x]\n").jails[0].actions
    assert (stock.name, stock.actname, stock.native) == ("smtp.py", "smtp", "python")
    assert (stock.properties["dest"], Path(stock.file).name) == ("x", "smtp.py")
    directory = tree({"action.d/smtp.py": "class Action: pass\n"})
    (own,) = load(directory).jails[0].actions
    assert own.file == str(directory / "action.d" / "smtp.py")
    found = load_local(tree, "[j]\nenabled = true\naction = nosuch.py\n")
    assert (found.failed, "action.d/nosuch.py" in found.problems[0].remedy) == (("j",), True)


@pytest.mark.parametrize(
    ("shortcut", "actions"),
    [
        ("action_", ["nftables"]),
        ("action_mw", ["nftables", "sendmail-whois"]),
        ("action_mwl", ["nftables", "sendmail-whois-lines"]),
        ("action_xarf", ["nftables", "xarf-login-attack"]),
        ("action_cf_mwl", ["cloudflare", "sendmail-whois-lines"]),
        ("action_blocklist_de", ["blocklist_de"]),
        ("action_abuseipdb", ["abuseipdb"]),
    ],
)
def test_every_shortcut_of_the_stock_defaults_loads(tree: Tree, shortcut: str, actions: list[str]) -> None:
    """Under the names that configurations have (COMPAT 1.7)."""
    jail = f"[sshd]\nenabled = true\nbackend = polling\naction = %({shortcut})s\n"
    found = load(tree({"jail.local": jail})).jails[0]
    assert [action.name for action in found.actions] == actions


_RECORDS = {"filter.d/f.conf": "[Definition]\nfailregex = ^from <HOST>$\nwhen = a = 1\nhost = ip\n"}


@pytest.mark.parametrize("given", ["logformat = json", "filter = f[logformat=json]"])
def test_a_jail_says_what_its_log_is(tree: Tree, given: str) -> None:
    """In its section, or with its filter."""
    (jail,) = load_local(tree, f"[j]\nenabled = true\n{given}\n", **_RECORDS).jails
    assert jail.filter.record == RecordSpec("json", when=("a = 1",), host=("ip",))
    assert jail.filter.rules == ("a = 1",)


def test_a_jail_sets_rules_in_its_filters_place(tree: Tree) -> None:
    """And may build upon them; what it sets wrong is its own line."""
    text = "[j]\nenabled = true\nlogformat = json\nwhen = %(known/when)s\n       b = 2\nuser = name\n"
    (jail,) = load_local(tree, text, **_RECORDS).jails
    assert jail.filter.record == RecordSpec("json", when=("a = 1", "b = 2"), host=("ip",), user=("name",))
    found = load_local(tree, text.replace("b = 2", "b is 2"), **_RECORDS)
    assert found.jails == ()
    (problem,) = told(found)
    assert problem.startswith("error 5 j: 'when': expected one of =")


def test_names_of_fields_are_free_where_no_record_is_read(tree: Tree) -> None:
    """A jail that has always set `host` for its action goes on."""
    (jail,) = load_local(tree, "[DEFAULT]\ntime = x\n[j]\nenabled = true\nhost = here\nwhen = never\n").jails
    assert jail.filter.record is None
    assert jail.filter.failregex == ("^fail from <HOST>$",)


def test_the_journal_has_no_containers_files(tree: Tree) -> None:
    """Its entries are the container's own lines, so that a wrapping would never come off."""
    found = load_local(tree, "[j]\nenabled = true\nbackend = systemd\nlogformat = docker json\n", **_RECORDS)
    assert told(found) == ["error 4 j: logformat is 'docker json', and backend is systemd"]


def test_a_record_without_rules_matches_nothing(tree: Tree) -> None:
    """A failregex has no text to apply to, unless a field is the message."""
    text = "[j]\nenabled = true\nlogformat = json\n"
    assert told(load_local(tree, text)) == ["warning 2 j: filter 'f' has no when, so nothing will ever match"]
    assert told(load_local(tree, f"{text}message = msg\n")) == []


def test_a_file_with_rules_for_records_stands_for_itself(tree: Tree) -> None:
    """An administrator's caddy.conf with `when` replaces the stock one, as one with failregex does."""
    files = {"filter.d/caddy.conf": "[Definition]\nlogformat = logfmt\nwhen = a = 1\nhost = ip\n"}
    (jail,) = load_local(tree, "[j]\nenabled = true\nfilter = caddy\n", **files).jails
    assert jail.filter.record == RecordSpec("logfmt", when=("a = 1",), host=("ip",))

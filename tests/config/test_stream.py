"""What `fail2ban-client -d` prints of a tree, ours beside a real Fail2ban's."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.config.options import KNOWN, parse_time
from sekisho.config.stream import stream_of

FAIL2BAN = pytest.mark.system(needs=("fail2ban-client",))
DEBIAN = Path("/etc/fail2ban")

_NOTE = """
[INCLUDES]
before = inc.conf
[DEFAULT]
indef = dval
[Definition]
actionstart = start <x> <y> <inc> <indef> <ip> <bantime> <cc> <ipt_<kind>/rule> <known/x> <nothing>
actionban = ban <name> <actname> <port> <note> "<matches>"
actionunban =
[Init]
x = dx
y = dy<x>
kind = one
cc = c4
port = ssh
note = -
[Init?family=inet6]
cc = c6
[ipt_one]
rule = one %(inner)s <x>
inner = I
[ipt_two]
rule = two
"""

_FILTER = """
[DEFAULT]
dd = fromdefault
[Definition]
p = defp
q = defq
failregex = ^ %(q)s <p> <mode> <zz> <HOST> <lt_<mode>/o> <known/p> <default/dd>$
            second <r> <HOST>
ignoreregex =
prefregex = ^pre <F-CONTENT>.+</F-CONTENT>$
journalmatch = A=1 + B=2
               C="3 4"
maxlines = 4
[Init]
p = initp
r = initr
q = initq
mode = x
[lt_x]
o = LT-%(q2)s
q2 = foo
[lt_y]
o = Y
"""

COMMON = {
    "fail2ban.conf": "[Definition]\nallowipv6 = auto\ndbmaxmatches = 10\ndbpurgeage = 1d\n",
    "action.d/inc.conf": "[Init]\ninc = I\n[Definition]\nactionstop = stop <inc>\n",
    "action.d/note.conf": _NOTE,
    "filter.d/f.conf": _FILTER,
    "filter.d/plain.conf": "[Definition]\nfailregex = ^plain <logtype> <HOST>$\n",
}

_TREES: dict[str, dict[str, str]] = {
    "arguments": {
        "jail.conf": """
        [DEFAULT]
        backend = polling
        enabled = true
        port = 22,80
        [plain]
        filter = f
        action = note
        [given]
        filter = f[p=P, mode="y", q='Q, R', zz=<r>]
        action = note[x=1, port="%(port)s", note='a,"b" ]c', kind=two]
                 note[x="<x2>", x2=99, name=given-b]
          note[name=foo, y="<known/y>+", inc=]
        [overridden]
        filter = plain
        failregex = %(known/failregex)s
                    extra <HOST>
        ignoreregex = ^ignore
        prefregex =
        maxlines = 9
        journalmatch = X=%(port)s
        action = note
        """
    },
    "comments and lines": {
        "jail.conf": """
        [DEFAULT]
        filter = plain
        enabled = true
        action = note
        backend = polling ; 記録
        A7 = upper
        a6: colon
        [j]
        bantime = 3600 ; inline comment
        findtime: 1h 30m
        ignoreip = 127.0.0.1/8 ::1, 192.0.2.77
          10.0.0.0/8 ; more

          # gone
          host.example
        ignorecommand = /bin/x "a;b" %(a6)s %(a7)s # kept
        """
    },
    "layers": {
        "jail.conf": """
        [INCLUDES]
        before = missing.conf
          before.conf
        after = after.conf
        [DEFAULT]
        base = D
        filter = plain
        action = note
        backend = polling
        findtime = 1
        [j]
        base = S
        bantime = 1
        findtime = 2
        ignorecommand = %(default/base)s %(other/o)s %(known/base)s
        [other]
        o = O-%(base)s
        base = OB
        """,
        "before.conf": "[j]\nbantime = before\nusedns = raw\n[DEFAULT]\nmaxretry = 7\n",
        "after.conf": "[j]\nfindtime = after\n",
        "after.local": "[j]\nfindtime = 33\n",
        "jail.d/b.conf": "[j]\nlogencoding = utf-8\nenabled = true\n",
        "jail.local": "[j]\nbase = local+%(known/base)s\nbantime = 5%(__name__)s%(base)s\n[DEFAULT]\nmaxretry = 8\n",
        "jail.d/a.local": "[j]\nmaxretry = 9\nbantime = 44\n",
    },
    "log types": {
        "jail.conf": """
        [DEFAULT]
        filter = %(__name__)s
        enabled = true
        action = note
        [plain]
        backend = systemd[journalflags=1]
        journalmatch = A=1 B=2
           C=3
        [f]
        backend = Systemd
        """
    },
    "conditions": {
        "action.d/cond.conf": """
        [Definition]
        actionstart = start <cmd> <family> <name>
        actionban = ban <cmd> <ip> <kind>
        actionunban = unban <cmd> <ip>
        norestored = yes
        [Init]
        cmd = c4 <kind>
        kind = k
        [Init?family=inet6]
        cmd = c6 <kind>
        """,
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = plain
        [one]
        action = cond
        [two]
        action = cond[kind=other]
                 cond[name=two-b, actname=second]
        """,
    },
    "journals": {
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = f
        action = note
        [one]
        backend = systemd[journalpath="/var/log/journal", journalflags=4]
        [two]
        backend = auto
        journalmatch = A=1 + B="two words" C=3
        [three]
        backend = systemd
        journalmatch =
        """
    },
    "logs": {
        "logs/a.log": "",
        "logs/b.log": "",
        "logs/tail.log": "",
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = plain
        action = note
        backend = polling
        [one]
        logpath = %(fail2ban_confpath)s/logs/[ab].log
                  %(fail2ban_confpath)s/logs/tail.log tail
                  %(fail2ban_confpath)s/logs/none-*.log head
        [two]
        logpath = %(fail2ban_confpath)s/logs/a.log head
        """,
    },
    "ban times": {
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = plain
        action = note
        backend = polling
        bantime = 1d12h
        bantime.increment = on
        bantime.factor = 2
        [one]
        bantime.multipliers = 1 5 30 60
        bantime.maxtime = 5w
        bantime.rndtime = 1h
        bantime.overalljails = no
        [two]
        bantime = -1
        bantime.increment = false
        bantime.formula = ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor
        findtime = 1h 30m
        """
    },
    "filters with locals": {
        "filter.d/x.conf": (
            "[INCLUDES]\n"
            "before = shared.conf\n"
            "[Definition]\n"
            "_d = one\n"
            "failregex = ^%(head)s <a> <HOST>$\n"
            "[Init]\n"
            "a = A\n"
        ),
        "filter.d/x.local": (
            "[Definition]\n"
            "_d = two\n"
            "failregex = %(known/failregex)s\n"
            "            ^%(head)s more <b> <HOST>\n"
            "[Init]\n"
            "b = B\n"
        ),
        "filter.d/shared.conf": "[DEFAULT]\nhead = %(_d)s:\n",
        "filter.d/alone.local": "[Definition]\nfailregex = ^alone <HOST>\nignoreregex = ^x\n              ^y\n",
        "jail.conf": """
        [DEFAULT]
        enabled = true
        action = note
        backend = polling
        [one]
        filter = x
        [two]
        filter = x[a="1,2"][b='q"r']
        [three]
        filter = alone
        usedns = raw
        """,
    },
    "dates and escapes": {
        "filter.d/dated.conf": (
            "[Definition]\nfailregex = ^100%% <HOST>$\ndatepattern = ^%%Y-%%m-%%d\n              {NONE}\nusedns = no\n"
        ),
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = dated
        action = note[note="50%%"]
        backend = polling
        [one]
        [two]
        datepattern = {^LN-BEG}Epoch
        logtimezone = UTC+0200
        logencoding = utf-8
        ignoreself = false
        maxmatches = 0
        """,
    },
    "a loop of includes": {
        "jail.conf": (
            "[INCLUDES]\n"
            "before = a.conf\n"
            "[DEFAULT]\n"
            "enabled = true\n"
            "filter = plain\n"
            "action = note\n"
            "backend = polling\n"
            "[one]\n"
        ),
        "a.conf": "[INCLUDES]\nbefore = b.conf\n[one]\nmaxretry = 4\nfindtime = 7\n",
        "b.conf": "[INCLUDES]\nafter = a.conf\nbefore = jail.conf\n[one]\nmaxretry = 5\nbantime = 8\n",
    },
    "jails in error": {
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = plain
        action = note
        backend = polling
        [nofilter]
        filter = nosuch
        [noaction]
        action = nosuch
        [brackets]
        filter = plain[x="1" y=2]
        [well]
        maxretry = 2
        """
    },
    "next to nothing": {"jail.conf": "[k]\nenabled = true\n[off]\nenabled = false\nbantime = %(nope)s\n"},
    "ignoring": {
        "jail.conf": """
        [DEFAULT]
        enabled = true
        filter = plain
        action =
        backend = polling
        ignoreip = 127.0.0.1/8 ::1
        [one]
        ignoreip = %(default/ignoreip)s, 192.0.2.0/24
                   host.example
        ignorecommand = /usr/bin/test "<ip>" = 192.0.2.1
        ignorecache = key="<ip>", max-count=10, max-time=1m
        ignoreself = true
        [two]
        ignoreip =
        """
    },
}


Command = list[Any]
Facts = dict[tuple[str, ...], Any]


def theirs_of(directory: Path) -> list[Command]:
    """Return what Fail2ban would send to its server."""
    done = subprocess.run(["fail2ban-client", "-c", str(directory), "-d"], capture_output=True, text=True, check=False)
    return [ast.literal_eval(line) for line in done.stdout.splitlines() if line.startswith("[")]


def ours_of(directory: Path) -> list[Command]:
    """Return what our client prints of the same tree."""
    client = [sys.executable, "-m", "sekisho.cli.fail2ban_client", "-c", str(directory), "-d"]
    done = subprocess.run(client, capture_output=True, text=True, check=False)
    return [ast.literal_eval(line) for line in done.stdout.splitlines() if line.startswith("[")]


def facts_of(stream: list[Command]) -> Facts:
    """Return what a stream says, without the order of what has none: options, an action's properties, starts.

    The order of expressions, of actions and of jails stays.
    """
    facts: Facts = {("jails",): [], ("started",): []}
    for word, *rest in stream:
        match word:
            case "add":
                facts["jails",].append(rest[0])
                facts[rest[0], "backend"] = rest[1]
            case "start":
                facts["started",].append(rest[0])
            case "config-error":
                jail = rest[0].split("'")[1]
                facts["jails",].append(f"{jail}, in error")
                facts["error", jail] = rest[0]
            case _ if rest[0] in facts["jails",]:
                facts |= setting_of(facts, *rest)
            case _:
                facts["server", rest[0]] = rest[1]
    return facts


def setting_of(known: Facts, jail: str, word: str, *values: Any) -> Facts:  # noqa: ANN401
    """Return what one command says of a jail."""
    match word:
        case "addaction" if len(values) > 1:  # one in Python: its file and its arguments
            return {(jail, "action", values[0]): (Path(values[1]).name, json.loads(values[2]))}
        case "addaction":
            return {}
        case "action":
            actions = [*known.get((jail, "actions"), []), values[0]]
            return {(jail, "actions"): actions} | {(jail, "action", values[0], key): text for key, text in values[1]}
        case "addlogpath" | "addjournalmatch":
            return {(jail, word): sorted([*known.get((jail, word), []), list(values)])}
        case _:
            value = values[0] if len(values) == 1 else list(values)
            return {} if value is None else {(jail, word): value}  # a number that is none (COMPAT 1.6, 9 case 14)


Key = tuple[str, ...]
OTHERWISE: Mapping[str, Callable[[Key, Any, Any], bool]] = {
    "Fail2ban's own database is left alone": lambda key, theirs, ours: (
        key == ("server", "dbfile") and str(theirs).endswith("fail2ban.sqlite3") and ours != "None"
    ),
    "a time of the server's is said in seconds": lambda key, theirs, ours: (
        key == ("server", "dbpurgeage") and parse_time(theirs) == ours
    ),
    "a log level has one spelling": lambda key, theirs, ours: key == ("server", "loglevel") and theirs.upper() == ours,
    "one line is the default, and unsaid": lambda key, theirs, ours: (
        key[-1] == "maxlines" and (theirs, ours) == (1, None)
    ),
    "a filter's own parameter is no setting of the server's": lambda key, _, ours: (
        ours is None and len(key) == 2 and key[0] != "server" and key[1] not in KNOWN
    ),
    "a wrong usedns is told, and its safe value sent": lambda key, theirs, ours: (
        key[-1] == "usedns" and theirs not in KNOWN["usedns"].choices and ours == "no"
    ),
}
"""What differs on purpose: the reason, as docs/fail2ban.md has it, and where it holds."""


def is_said_otherwise(key: Key, theirs: Any, ours: Any) -> bool:  # noqa: ANN401
    """Tell whether a difference is one of the table's."""
    return any(holds(key, theirs, ours) for holds in OTHERWISE.values())


def differences(directory: Path) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Return what the two say differently, theirs first."""
    theirs, ours = facts_of(theirs_of(directory)), facts_of(ours_of(directory))
    return {
        key: (theirs.get(key), ours.get(key))
        for key in sorted(theirs.keys() | ours.keys())
        if theirs.get(key) != ours.get(key) and not is_said_otherwise(key, theirs.get(key), ours.get(key))
    }


@FAIL2BAN
@pytest.mark.parametrize("name", _TREES)
def test_fail2ban_understands_the_tree_alike(tree: Tree, name: str) -> None:
    """Every command of every jail is the same, corner for corner."""
    assert differences(tree({**COMMON, **_TREES[name]})) == {}


@FAIL2BAN
def test_debian_s_whole_tree_is_understood_alike(tmp_path: Path) -> None:
    """All its jails enabled at once, with its own filters and actions.

    One jail gives an action a parameter that has a variant for IPv6: the release that Debian ships keeps the variant,
    later ones put the jail's value in its place, and so do we (COMPAT 1.5).
    """
    directory = tmp_path / "tree"
    shutil.copytree(DEBIAN, directory)
    (directory / "jail.local").write_text("[DEFAULT]\nenabled = true\n")
    found = differences(directory)
    variant = {key: both for key, both in found.items() if key[:2] == ("pass2allow-ftp", "action")}
    assert found == variant
    assert {key[-1] for key in variant} == {"blocktype?family=inet6", "actionban", "actionunban"}
    banned, ours = variant[next(key for key in variant if key[-1] == "actionban")]
    assert banned.replace("<blocktype>", "RETURN") == ours
    assert len(facts_of(ours_of(directory))["jails",]) > 80


def test_what_is_not_a_setting_is_not_sent(tree: Tree) -> None:
    """Words for the client alone, names for `%( )s`, and a number that is none (COMPAT 1.6, 1.7)."""
    directory = tree(
        {
            **COMMON,
            "jail.local": "[j]\nenabled = true\nfilter = plain\nbackend = polling\nport = 22\nmaxretry = x\n"
            "skip_if_nologs = true\naction = note[port=%(port)s]\n",
        }
    )
    (added, *said, started) = [command for command in stream_of(load(directory)) if "j" in command[1:2]]
    assert (added, started) == (["add", "j", "polling"], ["start", "j"])
    names = {command[2] for command in said}
    assert names.isdisjoint({"enabled", "filter", "backend", "port", "maxretry", "skip_if_nologs"})
    assert ["set", "j", "addaction", "note"] in said


@pytest.mark.parametrize("option", ["-d", "--dp", "--dump-pretty"])
def test_a_broken_tree_prints_no_stream(tree: Tree, option: str) -> None:
    """Exit status 255, the known sentence, and what is wrong on standard error."""
    directory = tree({"jail.local": "[s]\na = 1\na = 2\n"})
    command = [sys.executable, "-m", "sekisho.cli.fail2ban_client", "-c", str(directory), option]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert done.stdout == "ERROR: The configuration stream failed because of the invalid syntax.\n"
    assert "option 'a' in section 's' already exists" in done.stderr


@FAIL2BAN
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[s]\na = 1\na = 2\n", "option 'a' in section 's' already exists"),
        ("[s]\n[t]\n[s]\n", "section 's' already exists"),
        ("[s]\nenabled = true\nbantime = %(nope)s\n", "bantime"),
    ],
)
def test_what_breaks_fail2ban_is_told_by_us(tree: Tree, text: str, expected: str) -> None:
    """Both refuse, and name the option (COMPAT 9, cases 8 to 10); ours loses only the jail where it can."""
    directory = tree({**COMMON, "jail.conf": text})
    done = subprocess.run(["fail2ban-client", "-c", str(directory), "-d"], capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert expected in done.stdout + done.stderr
    assert any(expected in problem.text for problem in load(directory).problems)

"""The odd corners of the dialect, ours beside a real Fail2ban's: streams, sentences and exit statuses (COMPAT 1, 9)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.config.conftest import Tree
from tests.config.test_stream import COMMON, FAIL2BAN, differences, facts_of, ours_of

_HEAD = "[DEFAULT]\nenabled = true\nfilter = plain\naction = note\nbackend = polling\n"

CORNERS: dict[str, dict[str, str]] = {
    "brackets": {
        "action.d/args.conf": (
            "[Definition]\n"
            "actionban = <a> <A> <b-c> <b_c> <b.c> <e> <nl> <q> <STDIN> <unknown>\n"
            "[Init]\na = da\nb-c = d\nb_c = d\nb.c = d\ne = de\nnl = d\nq = d\n"
        ),
        "jail.conf": _HEAD
        + """
[one]
action = args[a=1][A=2, b-c=3][b_c='4,"5"', b.c="6]'", e=]
         args[name=one-second,]
         args[name=third, nl="x
           y", q='"']   args[name="one fourth"]

[two]
action = args[]
filter = plain[]
[three]
action = args[a= 7 , A = "8" ]
filter = f[ p = 9, q="a b" ]
[four]
action = args[a="<b_c>", b_c="<e><e>", e=%(__name__)s]
[five]
filter = plain[x=1]y
[six]
action = [x=1]
[seven]
action = args[1]
[eight]
filter = nosuch
         [mode=x]
""",
    },
    "tags": {
        "filter.d/tags.conf": """
        [DEFAULT]
        deep = default-<inner>
        [Definition]
        failregex = ^<mdre-<mode>> <HOST>$
                    ^<deep> <default/deep> <F-USER>x</F-USER> <HOST>

                    ^<nosuch> <sec/opt> <sec-<mode>/opt> <HOST>
        mdre-normal = normal <inner>
        mdre-more = more <mdre-normal>
        [Init]
        mode = normal
        inner = i
        [sec]
        opt = O %(other)s
        other = <inner>
        [sec-more]
        opt = P
        """,
        "jail.conf": _HEAD
        + """
[one]
filter = tags
[two]
filter = tags[mode=more, inner="<mode>!"]
[three]
filter = tags[mode=more, deep=given]
""",
    },
    "interpolation": {
        "jail.conf": _HEAD
        + """
a1 = %(a2)s
a2 = %(a3)s
a3 = %(a4)s
a4 = %(a5)s
a5 = %(a6)s
a6 = %(a7)s
a7 = end%% %(__name__)s
base = D
[one]
base = S
broken = %(nosuch)s and a lone % sign
ignorecommand = %(a1)s %(default/base)s %(other/o)s %(other/base)s %(known/base)s %(fail2ban_confpath)s/x
[other]
enabled = false
o = O-%(base)s
base = OB
[well-named]
ignorecommand = %(other/o)s %(one/a1)s
action = note[note="%(known/failregex)s"]
failregex = %(known/failregex)s
            %(base)s <HOST>
""",
    },
    "lines": {
        "jail.conf": _HEAD
        + "[one]\nignorecommand = one\n   two ; cut\n   # dropped\n ; dropped\n   three\n\n   four\n\n\n"
        + "MaxRetry: 4\nfindtime=5 ;\nlogencoding =\tutf-8\t;\tx\n"
        + "ignoreip = 192.0.2.1;not 192.0.2.2 # kept\n  ; gone\n"
        + "[two]\nignorecommand = http://x/?a;b\t;t\nignoreip =\nbantime = 1h 30m\n"
        + 'action = note[note="a ; b"]\n',
    },
    "includes": {
        "paths.conf": "[DEFAULT]\nplace = paths\nmaxretry = 1\n",
        "paths.local": "[DEFAULT]\nplace = local\n",
        "over.conf": "[one]\nfindtime = 77\n",
        "sub/deep.conf": "[INCLUDES]\nbefore = beside.conf\n[one]\nbantime = 88\n",
        "sub/beside.conf": "[DEFAULT]\nmaxretry = 6\n",
        "jail.conf": "[INCLUDES]\nbefore = paths.conf\n         nosuch.conf\nafter = over.conf\n"
        + _HEAD
        + "[one]\nfindtime = 1\nbantime = 2\nignorecommand = %(place)s\n",
        "jail.d/inc.conf": "[INCLUDES]\nbefore = ../sub/deep.conf\n[two]\nusedns = no\n",
        "jail.local": "[INCLUDES]\nafter = paths.conf\n[two]\nignorecommand = %(place)s\n",
        "filter.d/plain.d/more.conf": "[Definition]\nignoreregex = ^more\n",
        "filter.d/plain.local": "[Definition]\nfailregex = %(known/failregex)s\n    ^local <HOST>\n",
    },
    "names of actions": {
        "jail.conf": _HEAD + "[ddd]\naction = note[name=foo]\n  note[name=ddd-bar]\n  note\n  note[actname=mine]\n"
    },
    "actions in Python": {
        "action.d/my.py": "class Action: pass\n",
        "jail.conf": _HEAD + '[one]\naction = my.py[dest="a@example.org", retries=3]\n[two]\naction = my.py\n note\n',
    },
    "values that are none": {
        "jail.conf": _HEAD
        + "[one]\nmaxretry = x\nmaxmatches = 1.5\nusedns = bogus\nbantime = 0\n[two]\nbantime = -5\nignoreself = yes\n"
    },
    "journal matches": {
        "filter.d/j.conf": "[Definition]\nfailregex = ^j <HOST>\njournalmatch = A=1 B=2 + C='x y'\n"
        '    D="1" + E=\\"q\\"\n[Init]\n',
        "jail.conf": _HEAD.replace("polling", "systemd")
        + "[one]\nfilter = j\n[two]\nfilter = j\njournalmatch = %(known/journalmatch)s\n   F=3\n"
        + "[three]\njournalmatch = _SYSTEMD_UNIT=a.service + _COMM=b\n",
    },
    "dates": {
        "jail.conf": _HEAD
        + "[one]\ndatepattern = ^%%Y-%%m-%%d\n   ^%%Y-%%m-%%d\n[two]\ndatepattern = %%Q-%%m-%%d\n"
        + "[three]\ndatepattern = %%Y\n    {DATE}\n    ^TAI64N\n"
    },
    "the server": {
        "fail2ban.conf": "[DEFAULT]\nloglevel = DEBUG\nlogtarget = STDOUT[padding=off]\nallowipv6 = no\n",
        "fail2ban.d/a.conf": "[Definition]\nsyslogsocket = /run/x\ndbfile = None\ndbmaxmatches = 3\ndbpurgeage = 2w\n",
        "fail2ban.local": "[Definition]\nloglevel = notice\n[Thread]\nstacksize = 64\n",
        "jail.conf": _HEAD + "[one]\n",
    },
    "an error of all jails": {"jail.conf": _HEAD.replace("note", "nosuch") + "[one]\n[two]\naction = note\n[three]\n"},
    "errors keep their place": {
        "jail.conf": _HEAD + "[one]\nfilter = nosuch\n[two]\n[three]\naction = nosuch\n[four]\n[five]\naction = a[x\n"
    },
}

APART: dict[str, dict[tuple[str, ...], str]] = {
    "brackets": {("four", "action", "args", "actionban"): "<A> is not <a>, whatever was given (COMPAT 1.5)"},
}
"""What is said otherwise in one place, and why."""


@FAIL2BAN
@pytest.mark.parametrize("name", CORNERS)
def test_fail2ban_understands_the_corner_alike(tree: Tree, name: str) -> None:
    """Every command is the same, and every jail in error is told in its place and in the known words."""
    found = differences(tree({**COMMON, **CORNERS[name]}))
    assert {key: both for key, both in found.items() if key not in APART.get(name, {})} == {}


BROKEN = {
    "an option twice": "[s]\na = 1\na = 2\n",
    "a section twice": "[s]\n[t]\n[s]\n",
    "no section": "a = 1\n",
    "a bare word": "[s]\nword\n",
}
"""A jail.local that breaks the whole tree (COMPAT 1.10, 9 cases 8 and 9)."""

COSTLY = {
    "an unknown name": "bantime = %(nope)s\n",
    "a lone percent": "bantime = 5%\n",
    "a circle": "filter = f[p=<p>]\n",
    "a circle of names": "bantime = %(findtime)s\nfindtime = %(bantime)s\n",
}
"""A mistake in jail `one` for which Fail2ban gives up all jails; ours loses this one (DESIGN, on purpose)."""

STATUSES = {
    "a log that is missing": (_HEAD + "[one]\nlogpath = /nonexistent/log*\n", "jails wait for their logs"),
}
"""Where `-t` fails under Fail2ban alone, and why."""


def status_of(program: list[str], directory: Path, option: str) -> int:
    """Return the exit status of a client that was asked for the stream, or for a test."""
    command = [*program, "-c", str(directory), option]
    return subprocess.run(command, capture_output=True, text=True, check=False).returncode


def statuses(directory: Path, option: str) -> tuple[int, int]:
    """Return Fail2ban's exit status and ours."""
    ours = [sys.executable, "-m", "sekisho.cli.fail2ban_client"]
    return status_of(["fail2ban-client"], directory, option), status_of(ours, directory, option)


@FAIL2BAN
@pytest.mark.parametrize("option", ["-d", "-t"])
@pytest.mark.parametrize(
    ("jails", "stream", "test"),
    [
        ("[one]\n", 0, 0),
        ("[one]\nfilter = nosuch\n[two]\n", 0, 255),
        ("[one]\nfilter = nosuch\n", 255, 255),
        ("[one]\naction = nosuch\n[two]\nfilter = plain[x\n", 255, 255),
        ("[one]\nenabled = false\nfilter = nosuch\n", 0, 0),
        ("[one]\nmaxretry = x\n", 0, 0),
    ],
)
def test_the_exit_status_is_the_same(tree: Tree, jails: str, stream: int, test: int, option: str) -> None:
    """A stream with one jail that runs is a stream; a test has no mistake at all (COMPAT 1.10, 6.1)."""
    expected = stream if option == "-d" else test
    assert statuses(tree({**COMMON, "jail.conf": _HEAD + jails}), option) == (expected, expected)


@FAIL2BAN
@pytest.mark.parametrize("option", ["-d", "-t"])
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_fails_alike(tree: Tree, text: str, option: str) -> None:
    """What cannot be understood is refused by both."""
    assert statuses(tree({**COMMON, "jail.conf": _HEAD, "jail.local": text}), option) == (255, 255)


@FAIL2BAN
@pytest.mark.parametrize("mistake", COSTLY.values(), ids=COSTLY)
def test_a_mistake_costs_its_jail_alone(tree: Tree, mistake: str) -> None:
    """Fail2ban gives up, ours runs the other jail and names this one; the test of the tree fails under both."""
    directory = tree({**COMMON, "jail.conf": f"{_HEAD}[one]\n{mistake}[two]\n"})
    assert statuses(directory, "-d") == (255, 0)
    assert statuses(directory, "-t") == (255, 255)
    facts = facts_of(ours_of(directory))
    assert (facts["jails",], facts["started",]) == (["one, in error", "two"], ["two"])


@FAIL2BAN
@pytest.mark.parametrize(("text", "reason"), STATUSES.values(), ids=STATUSES)
def test_what_only_fail2ban_fails_at(tree: Tree, text: str, reason: str) -> None:
    """It is a warning of ours, and both print the stream."""
    directory = tree({**COMMON, "jail.conf": text})
    assert statuses(directory, "-t") == (255, 0), reason
    assert statuses(directory, "-d") == (0, 0)


def test_a_jail_left_out_for_its_log_says_so(tree: Tree) -> None:
    """`skip_if_nologs` is no wrong configuration (COMPAT 1.10); the other jail is told to have no log yet."""
    jails = "[one]\nskip_if_nologs = true\nlogpath = /nonexistent/a\n[two]\nlogpath = /nonexistent/b\n"
    directory = tree({**COMMON, "jail.conf": _HEAD + jails})
    command = [sys.executable, "-m", "sekisho.cli.fail2ban_client", "-c", str(directory), "-d"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "['config-error', \"Jail 'one' skipped, because of missing log files.\"]" in done.stdout.splitlines()
    assert "Have not found any log file for 'two' jail." in done.stderr

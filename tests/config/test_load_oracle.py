"""The same trees, read by a real Fail2ban: `fail2ban-client -d` says what it understood."""

from __future__ import annotations

import ast
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.specs import JailSpec

pytestmark = pytest.mark.system(needs=("fail2ban-client",))

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

_COMMON = {
    "fail2ban.conf": "[Definition]\nallowipv6 = auto\n",
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
}


def stream_of(directory: Path) -> dict[str, dict[str, Any]]:
    """Return what Fail2ban would send to its server, by jail."""
    done = subprocess.run(["fail2ban-client", "-c", str(directory), "-d"], capture_output=True, text=True, check=True)
    jails: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        if not line.startswith("["):
            continue
        word, *rest = ast.literal_eval(line)
        if word == "add":
            jails[rest[0]] = {"backend": rest[1].lower(), "journalmatch": [], "actions": {}}
        elif word in ("set", "multi-set") and rest[0] in jails and rest[1] == "action":
            jails[rest[0]]["actions"][rest[2]] = {key: value for key, value in rest[3] if key.startswith("action")}
        elif word in ("set", "multi-set") and rest[0] in jails:
            jail, key, values = jails[rest[0]], rest[1].removeprefix("add"), rest[2:]
            if key == "journalmatch":
                jail[key].append(values)
            elif key not in ("action", "usedns"):
                jail[key] = values[0] if len(values) == 1 else values
    return jails


def stream_of_ours(jail: JailSpec) -> dict[str, Any]:
    """Return the same view of one of our jails."""
    texts: Mapping[str, Any] = {name: setting.text for name, setting in jail.settings.items()}
    told: dict[str, Any] = {
        "backend": texts.get("backend", "auto").lower(),
        "journalmatch": [shlex.split(line) for line in jail.journalmatch],
        "actions": {
            action.actname: {key: value for key, value in action.properties.items() if key.startswith("action")}
            for action in jail.actions
        },
        "failregex": one_or_all(jail.filter.failregex),
    }
    if jail.filter.ignoreregex:
        told["ignoreregex"] = one_or_all(jail.filter.ignoreregex)
    if jail.filter.maxlines > 1:
        told["maxlines"] = jail.filter.maxlines
    told["prefregex"] = jail.filter.prefregex
    if "maxretry" in texts:
        told["maxretry"] = jail.maxretry
    if jail.ignoreip:
        told["ignoreip"] = one_or_all(jail.ignoreip)
    return told | {key: texts[key] for key in ("bantime", "findtime", "ignorecommand", "logencoding") if key in texts}


def one_or_all(values: tuple[str, ...]) -> str | list[str]:
    """Return a command's arguments as the stream shows them."""
    return values[0] if len(values) == 1 else list(values)


@pytest.mark.parametrize("name", _TREES)
def test_fail2ban_understands_the_tree_alike(tree: Tree, name: str) -> None:
    """Regexes, options and action commands are the same text, corner for corner."""
    directory = tree({**_COMMON, **_TREES[name]})
    theirs = stream_of(directory)
    ours = {jail.name: stream_of_ours(jail) for jail in load(directory).jails}
    assert list(ours) == list(theirs)
    for jail, told in ours.items():
        for key, value in told.items():
            if key == "actions":
                plain = {
                    actname: {each: text for each, text in action.items() if each != "actname"}
                    for actname, action in value.items()
                }
                assert plain == theirs[jail]["actions"], jail
            else:
                assert (value or None) == (theirs[jail].get(key) or None), (jail, key)


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
    directory = tree({**_COMMON, "jail.conf": text})
    done = subprocess.run(["fail2ban-client", "-c", str(directory), "-d"], capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert expected in done.stdout + done.stderr
    assert any(expected in problem.text for problem in load(directory).problems)

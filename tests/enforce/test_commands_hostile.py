"""Text that strangers wrote reaches every stock action that runs commands, and is never obeyed.

Each action lives a whole life with tickets whose every word is shell: start, ban, prolong, unban, flush, stop. Programs
are stand-ins; only harmless ones are real. What would betray an action is a file that any obeyed word makes.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest
from tests.support.commanded import spec

from sekisho.config.actions import read_action
from sekisho.config.files import STOCK, Files
from sekisho.enforce.commands import CommandAction
from sekisho.enforce.runner import Runner
from sekisho.model.action import ActionError
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban

HARMLESS = (
    *("awk", "cat", "date", "dirname", "flock", "fold", "grep", "head", "mkdir", "mktemp", "mv", "rm", "sed", "sort"),
    *("tail", "tr", "wc", "xargs"),
)
STAND_INS = (
    *(
        "iptables",
        "ip6tables",
        "ipset",
        "ip",
        "ufw",
        "ss",
        "conntrack",
        "firewall-cmd",
        "pfctl",
        "ipfw",
        "ipf",
        "npfctl",
    ),
    *(
        "shorewall",
        "shorewall6",
        "apf",
        "csf",
        "ssh",
        "nsupdate",
        "apprise",
        "mail",
        "sendmail",
        "whois",
        "curl",
        "wget",
    ),
    *("host", "dig", "nginx", "kill", "fail2ban-client"),
)
ADDRESS_ONLY = "192.0.2.1"
NAMES = sorted(path.stem for path in (STOCK / "action.d").glob("*.conf") if not path.stem.endswith("common"))
ACTIONS = [name for name in NAMES if read_action(Files(None), "mine", name, {}).native is None]
"""Those that are carried out by commands; a native one asks no shell."""
OPTIONS = {
    "hostsdeny": 'file="{}"',
    "dummy": 'target="{}"',
    "bsd-ipfw": 'startstatefile="{}", lowest_rule_num=65534',  # its stand-in has a rule of each number
    "nginx-block-map": 'blck_lst_file="{}"',
    "dshield": 'tmpfile="{}", lines=2, minreportinterval=0',
    "xarf-login-attack": 'mailcmd="cat >/dev/null; :"',
}
"""Parameters that name a file which an action writes."""


def payloads(mark: Path) -> list[str]:
    """Words that make a file if anybody obeys them, and words that could break a command or a file."""
    obey = f"touch {mark}"
    return [
        f"$({obey})",
        f"`{obey}`",
        f"; {obey};",
        f"' ; {obey} ; '",
        f'" ; {obey} ; "',
        f"'\"; {obey}; \"'",
        f"\n{obey}\n",
        f"a\r\n{obey}\r\nBcc: x@example.com",
        f"| {obey} &",
        f"${{IFS}}$({obey})",
        f"-x --{obey}",
        f"~!id <ip> <F-USER> %0d%0a %(known/x)s \\\\' \0 $({obey})",
        f"$({obey})" + "A" * 65536,
    ]


def programs(folder: Path) -> Path:
    """A PATH of stand-ins and harmless programs alone."""
    folder.mkdir()
    for name in STAND_INS:
        says = "echo '\"abuse@example.com\"'" if name == "dig" else ""
        (folder / name).write_text(f"#!/bin/sh\ncat >/dev/null </dev/stdin\n{says}\nexit 0\n")
        (folder / name).chmod(0o755)
    for name in (*HARMLESS, "touch", "sh"):
        real = shutil.which(name)
        assert real is not None, name
        (folder / name).symlink_to(real)
    return folder


async def live(which: ActionSpec, path: Path, words: list[str]) -> None:
    """Let the action meet every word, as an identifier, a name and a line; whether it likes them is its own affair."""
    runner = Runner(environment={"PATH": str(path)}, patience=60)

    async def facts(_: object, asked: frozenset[str]) -> dict[str, str]:
        return dict.fromkeys(asked, words[0])

    action = CommandAction(which, jail="mine", runner=runner, clock=time.time, facts=facts)
    bans = [
        Ban(
            "mine",
            parse_subject(who),
            1000.0,
            600,
            failures=3,
            matches=(word, "line"),
            captured={"user": word, "x": word},
        )
        for word in words
        for who in (ADDRESS_ONLY, "2001:db8::1", word)
    ]
    try:
        await action.start([])
        await action.ban(bans)
        await action.ban(bans[:2])
        await action.unban(bans)
        await action.ban(bans[:3])
        await action.stop([])
    except ActionError:
        pass


@pytest.mark.parametrize("name", ACTIONS)
def test_no_stock_action_obeys_a_stranger(tmp_path: Path, name: str) -> None:
    """Whatever is captured, logged or banned."""
    options = f"[{OPTIONS[name].format(tmp_path / 'place')}]" if name in OPTIONS else ""
    which = spec(tmp_path / "tree", name + options)
    mark = tmp_path / "obeyed"
    asyncio.run(live(which, programs(tmp_path / "bin"), payloads(mark)))
    assert not mark.exists()


@pytest.mark.parametrize("command", ['eval "echo <F-USER>"', 'sh -c "echo <matches>"', "eval echo <ip>"])
def test_an_action_that_obeys_is_found_out(tmp_path: Path, command: str) -> None:
    """The proof that the test above would see it: commands that hand a value to another shell."""
    bad = {"action.d/bad.conf": f"[Definition]\nactionban = {command}\n"}
    mark = tmp_path / "obeyed"
    asyncio.run(live(spec(tmp_path / "tree", "bad", bad), programs(tmp_path / "bin"), payloads(mark)))
    assert mark.exists()


def test_a_line_of_hosts_deny_cannot_be_forged(tmp_path: Path) -> None:
    """What is no address gets no line at all."""
    place = tmp_path / "place"
    which = spec(tmp_path / "tree", f'hostsdeny[file="{place}"]')
    asyncio.run(live(which, programs(tmp_path / "bin"), ["ALL: ALL\nALL: EXCEPT 192.0.2.1", "x\\\n"]))
    assert place.read_text() == ""

"""Stock actions that tell somebody by a command, and the map of nginx: what they write, to the letter."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.commanded import ban, spec
from tests.support.namespace import wait_until

from sekisho.enforce.commands import CommandAction
from sekisho.enforce.runner import Runner
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban

Play = Callable[[CommandAction], Coroutine[Any, Any, None]]
EVE = Ban(
    "mine", parse_subject("192.0.2.1"), 1000.0, 600, failures=5, matches=("one $(id)", "--f2b-1", "two"), captured={}
)


def perform(tmp_path: Path, action: str, play: Play, **programs: str) -> None:
    """Play with an action whose programs are these scripts; `$RECORD` is where they may write."""
    path = tmp_path / "bin"
    path.mkdir()
    for name, script in programs.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    environment = {"PATH": f"{path}:{os.environ['PATH']}", "RECORD": str(tmp_path / "record")}

    async def facts(_: object, asked: frozenset[str]) -> dict[str, str]:
        return {"fq-hostname": "mx.example.com"} if "fq-hostname" in asked else {}

    runner = Runner(environment=environment)
    fw = CommandAction(spec(tmp_path / "tree", action), jail="mine", runner=runner, clock=time.time, facts=facts)
    asyncio.run(play(fw))


RECORD = 'echo "${0##*/} $*" >> $RECORD; cat >> $RECORD'
CONTACT = (
    "case $* in *1.2.0.192.abuse-contacts.abusix.zone*) echo '\"abuse@example.net\"';; *) echo '\"-x a;id\"';; esac"
)


def test_nginx_s_map_is_whole_at_every_moment(tmp_path: Path) -> None:
    """A line for each id; what could be more than text gets none; nginx is told of each change, if its map holds."""
    map_, pid, heard = tmp_path / "map", tmp_path / "pid", tmp_path / "heard"
    nginx = f"trap 'echo HUP >> {heard}' HUP; echo $$ > {pid}.new; mv {pid}.new {pid}; while :; do sleep 0.05; done"

    async def play(fw: CommandAction) -> None:
        hears_hup = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, past any trap
        server = await asyncio.create_subprocess_exec("sh", "-c", nginx, preexec_fn=hears_hup)
        try:
            wait_until(pid.exists, "the server to listen to signals")
            assert await fw.start([]) == []
            assert await fw.ban([ban("session-1"), ban("192.0.2.1"), ban("session-1")]) == []
            assert map_.read_text() == '"session-1" 1;\n"192.0.2.1" 1;\n'
            wait_until(heard.exists, "the signal")
            evil = 'x" 1; } server { listen 1; } map $a $b { "y'
            assert [failed.ban.subject.text for failed in await fw.ban([ban(evil), ban("a\nb")])] == [evil, "a\nb"]
            assert await fw.unban([ban("192.0.2.1")]) == []
            assert map_.read_text() == '"session-1" 1;\n'
            await fw.stop([])
            assert map_.read_text() == ""
            assert not list(tmp_path.glob("map.*"))
        finally:
            server.kill()
            await server.wait()

    perform(tmp_path, f'nginx-block-map[blck_lst_file="{map_}", srv_pid="{pid}"]', play, nginx="exit 0")


def test_a_zone_is_told_by_nsupdate(tmp_path: Path) -> None:
    """The name is the address turned round; a ban replaces what was there; what has no such name is not told."""

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        assert await fw.ban([EVE, ban("2001:db8::1")]) == []
        assert await fw.unban([EVE]) == []
        nameless = [ban("192.0.2.0/24"), ban("foo"), ban("a. 60 A 192.0.2.66\nsend")]
        failed = await fw.ban(nameless)
        assert [(each.ban, "only a single address" in each.reason) for each in failed] == [
            (each, True) for each in nameless
        ]

    perform(tmp_path, "nsupdate[domain=bl.example.com, keyfile=/k, nsupdatecmd=nsupdate]", play, nsupdate=RECORD)
    name, six = "1.2.0.192.bl.example.com", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.bl.example.com"
    assert (tmp_path / "record").read_text().splitlines() == [
        *("nsupdate -k /k", f"update delete {name} A", f"update add {name} 60 A 127.0.0.2", "send"),
        *("nsupdate -k /k", f"update delete {six} A", f"update add {six} 60 A 127.0.0.2", "send"),
        *("nsupdate -k /k", f"update delete {name} A", "send"),
    ]


def test_apprise_is_told_of_everything(tmp_path: Path) -> None:
    """Start, ban, unban, stop: a title and a body each."""

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        await fw.ban([EVE])
        await fw.stop([])

    perform(tmp_path, 'apprise[config=/c, args="--tag ops"]', play, apprise=RECORD)
    call = "apprise --config /c --tag ops --title [Fail2Ban] mine:"
    assert (tmp_path / "record").read_text().splitlines() == [
        *(f"{call} started", "The jail mine has been started."),
        *(f"{call} banned 192.0.2.1", "192.0.2.1 has been banned after 5 attempts."),
        *(f"{call} unbanned 192.0.2.1", "The ban of 192.0.2.1 is over."),
        *(f"{call} stopped", "The jail mine has been stopped."),
    ]


def test_dshield_gets_a_report_when_there_is_enough(tmp_path: Path) -> None:
    """Two lines make one here; what is left goes at the stop."""

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        assert await fw.ban([EVE]) == []
        assert not (tmp_path / "record").exists()
        assert await fw.ban([ban("192.0.2.2"), ban("192.0.2.3")]) == []
        assert (tmp_path / "record").read_text().count("\n") == 3
        await fw.stop([])

    given = f'userid=7, port=22, lines=2, minreportinterval=0, tmpfile="{tmp_path}/dshield"'
    perform(tmp_path, f"dshield[{given}]", play, mail=RECORD)
    lines = (tmp_path / "record").read_text().splitlines()
    assert lines[0].startswith("mail -s FORMAT DSHIELD USERID 7 TZ ")
    assert lines[0].endswith(" Fail2Ban reports@dshield.org")
    assert [line.split("\t")[1:8] for line in (lines[1], lines[2], lines[4])] == [
        ["7", failures, f"192.0.2.{last}", "???", "127.0.0.1", "22", "tcp"]
        for failures, last in (("5", 1), ("0", 2), ("0", 3))
    ]
    assert [path.name for path in tmp_path.glob("dshield*")] == ["dshield.last"]


def test_an_abuse_desk_is_written_to_where_there_is_one(tmp_path: Path) -> None:
    """Its address comes from the DNS, and is nothing but an address; the lines are indented text."""

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        assert await fw.ban([EVE, ban("192.0.2.9")]) == []

    perform(tmp_path, 'complain[mailcmd="mail -s", message="Hello,\\nlook:"]', play, mail=RECORD, dig=CONTACT)
    assert (tmp_path / "record").read_text().splitlines() == [
        *("mail -s Abuse from 192.0.2.1 abuse@example.net", "Hello,", "look:", ""),
        *("    one $(id)", "    --f2b-1", "    two"),
    ]


@pytest.mark.parametrize("action", ['complain[mailcmd="mail -s"]', "xarf-login-attack[mailcmd=mail]"])
def test_a_desk_is_an_address_or_nobody(tmp_path: Path, action: str) -> None:
    """The owner of a network says who its desk is: that is no option of a mailer; an identifier has no network."""
    says = ("-Sfoo@example.net", "-x a;id", "a@-x", "$(id)@example.net", "two@example.net three@example.net")

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        for number, _ in enumerate(says):
            assert await fw.ban([ban(f"192.0.2.{number}")]) == []
        assert await fw.ban([ban("192.0.2.0/24"), ban("foo"), ban("a\nBcc: x@example.com")]) == []

    answers = "".join(f"*{number}.2.0.192.*) echo '\"{text}\"';; " for number, text in enumerate(says))
    dig = f"echo dig >> $RECORD; case $* in {answers} *) echo abuse@example.net;; esac"
    perform(tmp_path, action, play, mail=RECORD, dig=dig)
    assert (tmp_path / "record").read_text().split() == ["dig"] * len(says)


def test_a_report_in_x_arf_has_three_parts(tmp_path: Path) -> None:
    """For people, for machines, and the evidence, out of which no line can break, and which any mail server takes."""
    lines = ("one $(id)", "--f2b-1", "caf\xe9\r--f2b-2", "x" * 3000)

    async def play(fw: CommandAction) -> None:
        await fw.start([])
        assert await fw.ban([replace(EVE, matches=lines)]) == []

    given = "service=ssh, port=22, sender=me@example.com, tlp=amber, mailcmd=sendmail"
    perform(tmp_path, f"xarf-login-attack[{given}]", play, sendmail=RECORD, dig=CONTACT)
    command, _, octets = (tmp_path / "record").read_bytes().partition(b"\n")
    assert command == b"sendmail abuse@example.net"
    assert b"\r" not in octets
    assert max(map(len, octets.split(b"\n"))) <= 998
    letter = message_from_bytes(octets, policy=policy.default)
    assert isinstance(letter, EmailMessage)
    assert (letter["X-XARF"], letter["To"], letter["From"]) == ("PLAIN", "abuse@example.net", "me@example.com")
    people, machines, evidence = letter.iter_parts()
    assert [part["Content-Transfer-Encoding"] for part in (people, machines, evidence)] == ["8bit"] * 3
    assert people.get_content_type() == "text/plain"
    report = dict(line.split(": ", 1) for line in machines.get_content().splitlines() if ": " in line)
    assert (report["Source"], report["Source-Type"], report["Service"], report["Port"]) == (
        *("192.0.2.1", "ip-address", "ssh", "22"),
    )
    assert (report["Report-Type"], report["Occurrences"], report["TLP"]) == ("login-attack", "5", "amber")
    assert report["Report-ID"].endswith("@mx.example.com")
    said = evidence.get_content().splitlines()
    assert said[:3] == ["one $(id)", " --f2b-1", "caf\xe9--f2b-2"]
    assert "".join(said[3:]) == "x" * 3000

"""Whose address it is."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sekisho.lookup.command import run_command
from sekisho.lookup.whois import Whois, find_whois
from sekisho.model.address import parse_subject

_ADDRESS = parse_subject("192.0.2.1")


@asynccontextmanager
async def _registries(
    answers: dict[str, bytes | None],
) -> AsyncIterator[tuple[list[tuple[str, bytes]], Callable[..., Whois]]]:
    """Serve whois on loopback under many names; None as the answer hangs. Yields what was asked, and who asks."""
    asked: list[tuple[str, bytes]] = []
    names: list[str] = []  # one connection at a time, so the name that was connected to last is meant

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = names[-1]
        question = await reader.readline()
        asked.append((name, question))
        answer = answers[name]
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def connect(host: str, at: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert at == 43
        if host not in answers:
            raise OSError(f"no such host {host}")
        names.append(host)
        return await asyncio.open_connection("127.0.0.1", port)

    def build(seconds: float = 10, clock: Callable[[], float] = lambda: 0.0) -> Whois:
        return Whois(server="whois.iana.org", connect=connect, seconds=seconds, clock=clock)

    async with server:
        yield asked, build


def test_a_referral_is_followed_to_the_registry() -> None:
    """IANA names the registry, whose answer is the report; the second question costs nothing."""

    async def play() -> None:
        answers: dict[str, bytes | None] = {
            "whois.iana.org": b"% IANA\r\n\r\nrefer:        whois.arin.net\r\n",
            "whois.arin.net": b"NetRange: x\nReferralServer:  whois://whois.ripe.net:43\n",
            "whois.ripe.net": "netname: TEST-NET-1\ndescr: caf\xe9\n".encode("latin-1"),
        }
        async with _registries(answers) as (asked, build):
            whois = build()
            assert await whois(_ADDRESS) == await whois(_ADDRESS) == "netname: TEST-NET-1\ndescr: café"
            assert asked == [
                ("whois.iana.org", b"192.0.2.1\r\n"),
                ("whois.arin.net", b"n + 192.0.2.1\r\n"),
                ("whois.ripe.net", b"192.0.2.1\r\n"),
            ]
            await whois.close()

    asyncio.run(play())


@pytest.mark.parametrize(
    "referral",
    ["127.0.0.1", "whois.iana.org", "evil.example:25", "gone.example", "rwhois://rwhois.example:4321", "localhost"],
)
def test_a_referral_elsewhere_is_not_followed(referral: str) -> None:
    """An address, another port, another protocol, a circle, a host that is gone: what was said so far is the report."""

    async def play() -> None:
        said = f"netname: X\nrefer: {referral}"
        async with _registries({"whois.iana.org": said.encode()}) as (asked, build):
            assert await build()(_ADDRESS) == said
            assert len(asked) == 1

    asyncio.run(play())


def test_a_server_that_hangs_is_given_up() -> None:
    """The letter then says so, and the server is not asked again at once but after a while."""

    async def play() -> None:
        now = 0.0
        async with _registries({"whois.iana.org": None}) as (asked, build):
            whois = build(seconds=0.05, clock=lambda: now)
            for now in (0, 500, 700):  # noqa: B007 - the clock reads it
                assert await whois(_ADDRESS) == "no whois: no answer within 0.05 seconds"
            assert len(asked) == 2

    asyncio.run(play())


def test_an_endless_answer_is_cut() -> None:
    """64 KiB are kept, even where the cut falls inside a letter."""

    async def play() -> None:
        async with _registries({"whois.iana.org": b"x" + "é".encode() * 100_000}) as (_, build):
            report = await build()(_ADDRESS)
            assert report == "x" + "é" * 32767

    asyncio.run(play())


def test_only_addresses_are_asked_for() -> None:
    """An identifier that a stranger wrote goes nowhere."""

    async def play() -> None:
        async with _registries({}) as (asked, build):
            assert await build()(parse_subject("--help")) == "no whois: --help is no address"
            assert await build()(_ADDRESS) == "no whois: no such host whois.iana.org"
            assert asked == []

    asyncio.run(play())


def test_the_program_is_preferred(tmp_path: Path) -> None:
    """It gets the address behind `--`, as one argument."""
    program = tmp_path / "whois"
    program.write_text('#!/bin/sh\necho "$# $1 $2"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert asyncio.run(Whois(program=str(program))(parse_subject("2001:db8::/32"))) == "2 -- 2001:db8::/32"


def test_a_program_that_hangs_is_given_up(tmp_path: Path) -> None:
    """Its time is the question's time."""
    program = tmp_path / "whois"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o700)
    report = asyncio.run(Whois(program=str(program), seconds=0.2)(_ADDRESS))
    assert report == "no whois: no answer within 0.2 seconds"


def test_what_a_program_complains_of_is_no_answer_for_a_day(tmp_path: Path) -> None:
    """It is shown, and asked again soon; a report is not."""

    async def play() -> None:
        program = tmp_path / "whois"
        for status, asked in ((1, 2), (0, 1)):
            program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/{status}\necho network unreachable\nexit {status}\n")
            program.chmod(0o700)
            whois = Whois(program=str(program), clock=iter(range(0, 10**6, 3600)).__next__)
            for _ in range(2):
                assert await whois(_ADDRESS) == "network unreachable"
            assert (tmp_path / str(status)).read_text() == "x\n" * asked

    asyncio.run(play())


@pytest.mark.system
def test_the_real_program_takes_our_arguments() -> None:
    """`--` ends its options; a server on loopback gets the address (the program itself would ask far away)."""

    async def play() -> None:
        asked: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readline())
            writer.write(b"netname: TEST-NET-1\r\n")
            writer.close()

        program = find_whois()
        assert program is not None
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = str(server.sockets[0].getsockname()[1])
            argv = [program, "-h", "127.0.0.1", "-p", port, "--", "192.0.2.1"]
            outcome = await run_command(argv, seconds=20, limit=1000)
        assert outcome.output.strip() == b"netname: TEST-NET-1"
        assert asked == [b"192.0.2.1\r\n"]

    asyncio.run(play())

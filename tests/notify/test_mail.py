"""Mail about bans, one action a jail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from sekisho.model.action import Action, ActionError, Kind
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban, Cause
from sekisho.notify.mail import MailAction, choose_delivery
from sekisho.notify.settings import parse_settings
from sekisho.notify.smtp import send_by_smtp

_BAN = Ban("sshd", parse_subject("192.0.2.1"), 1_700_000_000, 3600, failures=3, matches=("one", "two"))
_OTHER = replace(_BAN, subject=parse_subject("192.0.2.2"))


class Post:
    """Collects letters."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def __call__(self, message: EmailMessage) -> None:
        """Take a letter."""
        self.letters.append(message)

    @property
    def subjects(self) -> list[str]:
        """What the letters are about."""
        return [str(letter["Subject"]) for letter in self.letters]


def _action(post: Post, properties: dict[str, str] | None = None, **more: object) -> MailAction:
    spec = ActionSpec("sendmail", "sendmail-whois", properties or {}, "mail")
    return MailAction(spec, jail="sshd", clock=lambda: 1_700_000_001.0, host="gate", deliver=post, **more)  # type: ignore[arg-type]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - lets the others run; no time passes
            await asyncio.sleep(0)


def test_each_new_ban_is_told_once() -> None:
    """Not what stood at the start, not what is restored or prolonged; but again after it was lifted."""

    async def play() -> None:
        post = Post()
        action: Action = _action(post)
        assert (action.name, action.kind, await action.listed()) == ("sendmail-whois", Kind.NOTIFIER, None)
        assert await action.start([_OTHER]) == ()
        assert await action.ban([_OTHER, _BAN, replace(_BAN, duration=7200)]) == ()
        restored = replace(_BAN, subject=parse_subject("192.0.2.3"), cause=Cause.RESTORED)
        await action.ban([restored])
        await action.unban([_BAN])
        await action.ban([_BAN])
        await action.stop([_BAN, _OTHER])
        assert post.subjects == ["[Sekisho] sshd: banned 192.0.2.1 from gate"] * 2

    asyncio.run(play())


def test_restored_bans_are_told_where_that_is_wanted() -> None:
    """`norestored = false`."""

    async def play() -> None:
        post = Post()
        action = _action(post, {"norestored": "false"})
        await action.start([])
        await action.ban([replace(_BAN, cause=Cause.RESTORED)])
        await action.stop([])
        assert len(post.letters) == 1

    asyncio.run(play())


def test_start_and_stop_are_told_where_that_is_wanted() -> None:
    """`notifystart = true`, as Fail2ban's mail actions always do."""

    async def play() -> None:
        post = Post()
        action = _action(post, {"notifystart": "true"})
        await action.start([])
        await action.stop([])
        assert post.subjects == ["[Sekisho] sshd: started on gate", "[Sekisho] sshd: stopped on gate"]
        assert action.statistics().sent == 2

    asyncio.run(play())


def test_the_whois_report_and_the_country_are_asked_for() -> None:
    """About whom the firewall bars; only where the settings want a report."""

    async def play() -> None:
        asked: list[Subject] = []

        async def whois(subject: Subject) -> str:
            asked.append(subject)
            return "netname: TEST-NET-1"

        for wanted in ("true", "false"):
            post = Post()
            action = _action(post, {"whois": wanted}, whois=whois, country=lambda subject: f"land of {subject}")
            await action.start([])
            await action.ban([replace(_BAN, subject=parse_subject("mallory"), address=_BAN.subject)])
            await _until(lambda post=post: bool(post.letters))  # type: ignore[misc]
            await action.stop([])
            text = post.letters[0].get_content()
            assert "land of 192.0.2.1" in text
            assert ("netname" in text) is (wanted == "true")
        assert asked == [_BAN.subject]

    asyncio.run(play())


def test_several_bans_may_share_a_letter() -> None:
    """With `buffered`, `lines` of them make one; what is left is told at the stop."""

    async def play() -> None:
        post = Post()
        action = _action(post, {"buffered": "true", "lines": "2"})
        await action.start([])
        await action.ban([_BAN])
        assert post.letters == []
        await action.ban([_OTHER, replace(_BAN, subject=parse_subject("evil\r\nBcc: x"))])
        await _until(lambda: len(post.letters) == 1)
        await action.stop([])
        first, last = post.letters
        assert first["Subject"] == "[Sekisho] sshd: 2 bans from gate"
        assert "192.0.2.1 after 3 attempts" in first.get_content()
        assert "192.0.2.2 after 3 attempts" in first.get_content()
        assert "Bcc" not in last
        assert last["Subject"] == "[Sekisho] sshd: 1 bans from gate"

    asyncio.run(play())


def test_the_evidence_may_be_the_ledger_s() -> None:
    """Lines of all jails, or of all bans in this one; without an answer, the ban's own."""

    async def play(evidence: str, known: dict[str, str]) -> str:
        post = Post()

        async def facts(ban: Ban | None, asked: frozenset[str]) -> dict[str, str]:
            assert (ban, asked) == (_BAN, frozenset({evidence}))
            return known

        action = _action(post, {"lines": "true", "evidence": evidence}, facts=facts)
        await action.start([])
        await action.ban([_BAN])
        await action.stop([])
        return str(post.letters[0].get_content())

    assert "    of another jail\n    one" in asyncio.run(play("ipmatches", {"ipmatches": "of another jail\none"}))
    assert "    one\n    two" in asyncio.run(play("ipjailmatches", {}))


def test_a_slow_whois_delays_neither_ban_nor_stop() -> None:
    """The call returns at once; at a stop the letter goes without the report."""

    async def play() -> None:
        asking = asyncio.Event()
        given_up = asyncio.Event()

        async def whois(subject: Subject) -> str:
            asking.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            raise AssertionError

        post = Post()
        action = _action(post, {"whois": "true"}, whois=whois)
        await action.start([])
        await action.ban([_BAN])
        await asking.wait()
        await action.stop([])
        assert "no whois: the jail was being stopped" in post.letters[0].get_content()
        assert given_up.is_set()

    asyncio.run(play())


def test_settings_that_make_no_sense_stop_the_action_alone() -> None:
    """The error names jail, action and option."""
    with pytest.raises(ActionError, match=r"\[sshd\] action sendmail-whois: dest '-x'"):
        asyncio.run(_action(Post(), {"dest": "-x"}).start([]))


def _deliver(properties: dict[str, str], sendmail: Path | None = None) -> None:
    async def play() -> None:
        settings = parse_settings(properties, host="gate")
        deliver = choose_delivery(settings, host="gate", sendmail=str(sendmail) if sendmail else None)
        spec = ActionSpec("sendmail", "sendmail", properties, "mail")
        action = MailAction(spec, jail="sshd", clock=lambda: 0.0, host="gate", deliver=deliver)
        await action.start([])
        await action.ban([_BAN])
        await action.stop([])
        assert action.statistics().sent == 1

    asyncio.run(play())


def _program(path: Path, into: Path) -> Path:
    path.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {into}\ncat >> {into}\n')
    path.chmod(0o700)
    return path


def test_sendmail_is_taken_where_it_is(tmp_path: Path) -> None:
    """The whole letter, from the sender to the recipients of the settings."""
    out = tmp_path / "out"
    _deliver({"dest": "a@example.com", "sender": "b@example.com"}, sendmail=_program(tmp_path / "sendmail", out))
    assert out.read_text().startswith("-oi|-f|b@example.com|--|a@example.com|From: Fail2Ban <b@example.com>\n")


def test_an_own_mailcmd_is_called_as_its_family_is(tmp_path: Path) -> None:
    """As `sendmail` with the whole letter, or as `mail` with subject, recipients and the text."""
    out = tmp_path / "out"
    program = _program(tmp_path / "own", out)
    _deliver({"dest": "a@example.com", "mailcmd": f"{program} 'x y'"})
    assert out.read_text().startswith("x y|From: Fail2Ban <fail2ban>\n")
    _deliver({"dest": "a@example.com", "mailcmd": f"{program} -s", "mailer": "mail"})
    assert out.read_text().startswith("-s|[Sekisho] sshd: banned 192.0.2.1 from gate|a@example.com|Hello,\n")


def test_without_sendmail_smtp_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """To localhost, or to the server that was named, then even where there is a sendmail."""
    asked: list[object] = []

    async def note(message: EmailMessage, **keywords: object) -> None:
        asked.append(keywords["server"])

    monkeypatch.setattr(f"{MailAction.__module__}.{send_by_smtp.__name__}", note)
    _deliver({})
    _deliver({"smtphost": "mail.example:2525"}, sendmail=Path("/nonexistent"))
    assert asked == [("localhost", 25), ("mail.example", 2525)]

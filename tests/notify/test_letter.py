"""The letters themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.address import parse_subject
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban, Cause
from sekisho.notify.letter import Envelope, Stamp, write_ban, write_note

_ENVELOPE = Envelope("gate.example.org", "fail2ban@example.com", "Fail2Ban", ("root", "mail@example.com"))
_STAMP = Stamp(1_700_000_001, "<1@gate.example.org>", UTC)
_BAN = Ban(
    "sshd", parse_subject("192.0.2.1"), 1_700_000_000, 3600, failures=3, matches=tuple(f"line {n}" for n in range(9))
)


def _body(message: EmailMessage) -> str:
    return str(message.get_content())


def _text(ban: Ban = _BAN, **more: object) -> str:
    return _body(write_ban(ban, envelope=_ENVELOPE, stamp=_STAMP, **more))  # type: ignore[arg-type]


def test_the_head_names_jail_address_and_host() -> None:
    """The configured sender and recipients; a machine's letter that no machine answers."""
    message = write_ban(_BAN, envelope=_ENVELOPE, stamp=_STAMP)
    assert dict(message.items()) == {
        "From": "Fail2Ban <fail2ban@example.com>",
        "To": "root, mail@example.com",
        "Subject": "[Sekisho] sshd: banned 192.0.2.1 from gate.example.org",
        "Date": "Tue, 14 Nov 2023 22:13:21 +0000",
        "Message-ID": "<1@gate.example.org>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }


def test_the_body_tells_what_happened() -> None:
    """Who, why, how long, from where, on which evidence, whose address, and how to undo it."""
    text = _text(replace(_BAN, count=2), country="France (FR)", whois="netname: TEST-NET-1", missed=4)
    assert "192.0.2.1 has been banned by sshd on gate.example.org after 3 attempts.\n" in text
    assert "    Since         2023-11-14 22:13:20 +0000\n" in text
    assert "    Until         2023-11-14 23:13:20 +0000 (1h)\n" in text
    assert "    Country       France (FR)\n" in text
    assert "    Banned before 1 time(s) by this jail\n" in text
    assert "Log lines (the last 5 of 9):\n\n    line 4\n" in text
    assert "Whois report on 192.0.2.1:\n\n    netname: TEST-NET-1\n" in text
    assert "    fail2ban-client set sshd unbanip 192.0.2.1\n" in text
    assert "4 letter(s) before this one could not be sent" in text


def test_the_lines_are_all_there_where_they_were_asked_for() -> None:
    """`-lines` shows every line that the ban kept."""
    assert "Log lines:\n\n    line 0\n    line 1\n" in _text(lines=1000)


def test_a_ban_by_hand_for_ever_says_so() -> None:
    """No attempts, no lines, no end, and the reason that was given."""
    text = _text(replace(_BAN, cause=Cause.BY_HAND, duration=PERMANENT, failures=0, matches=(), reason="rude"))
    assert "by sshd on gate.example.org, by hand.\n" in text
    assert "    Until         for ever\n" in text
    assert "    Reason        rude\n" in text
    assert "Attempts" not in text
    assert "Log lines" not in text


def test_an_identifier_stays_out_of_the_head() -> None:
    """What a stranger calls himself is shown in the body, beside the address that is barred in his place."""
    ban = replace(_BAN, subject=parse_subject("mallory\r\nBcc: x"))
    message = write_ban(ban, envelope=_ENVELOPE, stamp=_STAMP)
    assert message["Subject"] == "[Sekisho] sshd: banned an identifier from gate.example.org"
    assert "    Identifier    mallory\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}Bcc: x\n" in _body(message)
    assert "unbanip" not in _body(message)
    assert "    Identified by mallory" in _text(replace(ban, address=parse_subject("192.0.2.1")))


def test_a_note_tells_of_a_start() -> None:
    """Only for those who want it."""
    message = write_note("sshd", what="started", envelope=_ENVELOPE, stamp=_STAMP)
    assert message["Subject"] == "[Sekisho] sshd: started on gate.example.org"
    assert "The jail sshd on gate.example.org has been started." in _body(message)


def test_a_letter_is_plain_where_it_can_be() -> None:
    """A log line of ordinary length is found by grep; only other letters and endless lines are encoded."""
    line = "Nov 14 22:13:20 gate sshd[1]: Failed password for invalid user " + "x" * 100 + " from 192.0.2.1 port 1 ssh2"
    ban = replace(_BAN, matches=(line,))
    assert line.encode() in write_ban(ban, envelope=_ENVELOPE, stamp=_STAMP).as_bytes()
    for odd in (line + "é", line * 9):
        message = write_ban(replace(_BAN, matches=(odd,)), envelope=_ENVELOPE, stamp=_STAMP)
        assert message["Content-Transfer-Encoding"] == "quoted-printable"
        assert max(map(len, message.as_bytes().splitlines())) <= 78
        assert odd in _body(message)


def test_megabytes_of_whois_and_lines_are_cut() -> None:
    """A letter stays one that a mail server takes."""
    ban = replace(_BAN, matches=("y" * 10**6,) * 1000)
    text = _text(ban, lines=1000, whois="\n".join(["x" * 100] * 100_000))
    assert len(text) < 250_000
    assert "... (998000 more)" in text
    assert "\n    [...]\n" in text


_HOSTILE = st.text(st.characters() | st.sampled_from("\r\n.\0\x1b\u2028\u202e\udcff"), max_size=60)


@given(line=_HOSTILE, whois=_HOSTILE, who=_HOSTILE, country=_HOSTILE)
def test_whatever_strangers_wrote_the_letter_keeps_its_form(line: str, whois: str, who: str, country: str) -> None:
    """Sent and read again it has the same head, and no line of theirs begins at the margin."""
    ban = replace(_BAN, subject=parse_subject(who), matches=(line,))
    message = write_ban(ban, envelope=_ENVELOPE, stamp=_STAMP, country=country, whois=whois)
    read = message_from_bytes(message.as_bytes(), policy=default)
    assert read.keys() == message.keys()
    assert read["To"] == "root, mail@example.com"
    lines = _body(read).split("\n")
    assert "." not in lines
    assert not any(ord(character) < 32 for character in _body(read) if character not in "\n\t")

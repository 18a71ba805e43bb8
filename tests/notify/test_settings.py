"""What an administrator said about mail, as values."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.config.load import load
from sekisho.notify.settings import Mailer, MailSettings, parse_settings

_HOST = "gate.example.org"


def test_nothing_said_means_root_from_fail2ban() -> None:
    """The defaults that users know."""
    assert parse_settings({}, host=_HOST) == MailSettings(("root",), "fail2ban", "Fail2Ban")


def test_every_parameter_is_read() -> None:
    """Lists, names, numbers and switches; the host's names where an address asks for them."""
    settings = parse_settings(
        {
            "dest": 'a@example.com,\n"B, Bob" <b@example.com>',
            "sender": "root@<fq-hostname>",
            "sendername": "<sh-hostname>",
            "mailer": "mail",
            "mailcmd": "mail -E 'set escape' -s",
            "smtphost": "mail.example:2525",
            "whois": "true",
            "lines": "yes",
            "grepmax": "5000",
            "notifystart": "on",
            "norestored": "0",
        },
        host=_HOST,
    )
    assert settings == MailSettings(
        dest=("a@example.com", "b@example.com"),
        sender="root@gate.example.org",
        sendername="gate",
        mailer=Mailer.MAIL,
        mailcmd=("mail", "-E", "set escape", "-s"),
        smtp=("mail.example", 2525),
        whois=True,
        lines=1000,
        notifystart=True,
        norestored=False,
    )


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("mail.example", ("mail.example", 25)),
        ("2001:db8::1", ("2001:db8::1", 25)),
        ("[2001:db8::1]:587", ("2001:db8::1", 587)),
        ("[2001:db8::1]", ("2001:db8::1", 25)),
    ],
)
def test_a_server_is_read_with_its_port_or_without(text: str, server: tuple[str, int]) -> None:
    """IPv6 addresses need brackets only before a port."""
    assert parse_settings({"smtphost": text}, host=_HOST).smtp == server


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dest", "a@example.com\nBcc: everyone@example.com"),
        ("dest", "-oQ/tmp/x"),
        ("dest", ", ,"),
        ("sender", "a@example.com, b@example.com"),
        ("sender", "a b@example.com"),
        ("sendername", "Fail2Ban\r\nBcc: x"),
        ("mailcmd", "mail -s 'open"),
        ("mailer", "pigeon"),
        ("smtphost", "mail.example:smtp"),
        ("smtphost", "mail.example:"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, text: str) -> None:
    """A header that ends too early, an option in place of an address, a quote left open."""
    with pytest.raises(ValueError, match=name):
        parse_settings({name: text}, host=_HOST)


@pytest.mark.parametrize("mta", ["sendmail", "mail"])
@pytest.mark.parametrize(("shortcut", "whois", "lines"), [("mw", True, 0), ("mwl", True, 1000)])
def test_the_stock_shortcuts_lead_to_these_settings(
    tmp_path: Path,
    mta: str,
    shortcut: str,
    whois: bool,  # noqa: FBT001
    lines: int,
) -> None:
    """`action_mw` and `action_mwl` of an administrator's jail.local are carried out natively, with the addresses."""
    (tmp_path / "jail.local").write_text(
        f"[DEFAULT]\nmta = {mta}\ndestemail = mail@example.com\nsender = fail2ban@example.com\n"
        f"action = %(action_{shortcut})s\n[sshd]\nenabled = true\n"
    )
    (jail,) = load(tmp_path).jails
    action = jail.actions[-1]
    settings = parse_settings(action.properties, host=_HOST)
    assert action.native == "mail"
    assert (settings.dest, settings.sender) == (("mail@example.com",), "fail2ban@example.com")
    assert (settings.whois, settings.lines, settings.mailer.value) == (whois, lines, mta)
    assert not settings.mailcmd
    assert not settings.notifystart


def test_the_common_file_is_for_all_of_the_family(tmp_path: Path) -> None:
    """What an administrator writes into sendmail-common.local counts for each stock sendmail action."""
    (tmp_path / "action.d").mkdir()
    (tmp_path / "action.d" / "sendmail-common.local").write_text("[Init]\nmailcmd = /opt/mta -f <sender> <dest>\n")
    (tmp_path / "jail.local").write_text("[sshd]\nenabled = true\naction = sendmail[dest=a@example.com]\n")
    (jail,) = load(tmp_path).jails
    settings = parse_settings(jail.actions[0].properties, host=_HOST)
    assert settings.mailcmd == ("/opt/mta", "-f", "fail2ban", "a@example.com")

"""What people get wrong."""

from __future__ import annotations

import pytest

from sekisho.config.ini import Option, parse_ini
from sekisho.config.mistakes import hash_comment, hidden, misspelt, near, referenced


def option_of(text: str) -> Option:
    """Return the first option of a section that starts with `text`."""
    return next(iter(parse_ini(f"[s]\n{text}", "j").sections["s"].values()))


def test_two_options_on_one_line_are_told_apart() -> None:
    """The remedy says which text goes where."""
    problem = hidden(option_of("enabled = true port = ssh"))
    assert problem is not None
    assert problem.text == "'enabled' is 'true port = ssh': another option stands on the same line"
    assert problem.remedy == "leave `enabled = true` and put `port = ssh` on a line of its own"
    assert str(problem.origin) == "j:2"


@pytest.mark.parametrize(
    "text",
    [
        "enabled = true filter=sshd",
        "maxretry = 3 : 4 x: 5",
        "bantime = 1h findtime = 10m maxretry = 5",
        "port = ssh logpath = /var/log/auth.log",
        "logpath = /a\n   /b maxretry = 3",
    ],
)
def test_a_second_option_is_seen(text: str) -> None:
    """Typed options hold no `name =` at all, texts none of a known name."""
    assert hidden(option_of(text)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "enabled = true",
        "action = iptables[name=x, port = 22]\n   note[maxretry=3]",
        "failregex = ^port = <HOST>$\n   bantime = <HOST>",
        "ignorecommand = /bin/x port = 3",
        "logpath = /var/log/a=b.log",
        "journalmatch = _SYSTEMD_UNIT=x",
        "unknown = a port = b",
        "port = 0:65535",
        "backend = systemd[journalflags=1]",
        "bantime = 1d",
    ],
)
def test_what_may_hold_anything_is_left_alone(text: str) -> None:
    """Expressions, commands and arguments look like options by nature."""
    assert hidden(option_of(text)) is None


def test_an_indented_line_is_told_as_what_it_is() -> None:
    """An option or a header that was indented is part of the value above it."""
    problem = hidden(option_of("logpath = /a\n   maxretry = 3"))
    assert problem is not None
    assert problem.text == "the line 'maxretry = 3' is indented, and so belongs to 'logpath' above it"
    assert str(problem.origin) == "j:3"
    assert hidden(option_of("port = ssh\n   [postfix]")) is not None


def test_a_hash_is_no_comment_after_a_value() -> None:
    """The remedy writes the line anew."""
    assert hash_comment("3600 # an hour") == "only ` ;` begins a comment after a value: write `3600 ; ...`"
    assert hash_comment("3600") == ""


def test_the_nearest_name_is_suggested() -> None:
    """Nothing is suggested where nothing is near."""
    assert near("shd", ["sshd", "postfix"]) == "did you mean 'sshd'?"
    assert near("zzz", ["sshd", "postfix"]) == ""


def test_misspelt_options_are_told_and_own_names_are_not() -> None:
    """A name that `%( )s` uses, one far from all known, and the `action_x` kind are the administrator's own."""
    sections = parse_ini(
        "[s]\nbantmie = 1\nmaxretries = 2\nignore_ip = x\nports = 22\nport = %(ports)s\nmy_own = 1\naction_x = y\n", "j"
    ).sections
    found = misspelt(sections["s"].values(), referenced(sections))
    assert [(problem.text, problem.remedy) for problem in found] == [
        ("unknown option 'bantmie' has no effect", "did you mean 'bantime'?"),
        ("unknown option 'maxretries' has no effect", "did you mean 'maxretry'?"),
        ("unknown option 'ignore_ip' has no effect", "did you mean 'ignoreip'?"),
    ]

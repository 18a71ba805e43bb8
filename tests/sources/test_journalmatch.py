"""A journalmatch means what it means to systemd."""

from __future__ import annotations

import pytest

from sekisho.sources.journalmatch import Channels, parse_journalmatch, render_arguments


def masks(matches: list[list[str]], **fields: str) -> int:
    """The channel mask of an entry with these fields."""
    entry = {name.encode(): value.encode().split(b"|") for name, value in fields.items()}
    return Channels([parse_journalmatch(lines) for lines in matches]).of(entry)


@pytest.mark.parametrize(
    ("line", "fields", "wanted"),
    [
        ("_SYSTEMD_UNIT=ssh.service", {"_SYSTEMD_UNIT": "ssh.service"}, True),
        ("_SYSTEMD_UNIT=ssh.service", {"_SYSTEMD_UNIT": "ssh.service2"}, False),
        ("_SYSTEMD_UNIT=ssh.service", {}, False),
        ("_SYSTEMD_UNIT=ssh.service _COMM=sshd", {"_SYSTEMD_UNIT": "ssh.service", "_COMM": "sh"}, False),
        ("_SYSTEMD_UNIT=ssh.service _COMM=sshd", {"_SYSTEMD_UNIT": "ssh.service", "_COMM": "sshd"}, True),
        ("_SYSTEMD_UNIT=ssh.service + _COMM=sshd", {"_COMM": "sshd"}, True),
        ("_COMM=sshd _COMM=sshd-session", {"_COMM": "sshd-session"}, True),
        ("_COMM=a PRIORITY=1 _COMM=b", {"_COMM": "b", "PRIORITY": "1"}, True),
        ("_COMM=a PRIORITY=1 _COMM=b", {"_COMM": "b", "PRIORITY": "2"}, False),
        ("OBJECT=x", {"OBJECT": "w|x"}, True),
        ("'MESSAGE=two words'", {"MESSAGE": "two words"}, True),
        ("_COMM=", {"_COMM": ""}, True),
    ],
)
def test_terms_of_one_field_are_alternatives_of_several_conditions(
    line: str,
    fields: dict[str, str],
    wanted: bool,  # noqa: FBT001
) -> None:
    """AND across fields, OR within one, `+` between whole alternatives."""
    assert masks([[line]], **fields) == int(wanted)


def test_each_jail_has_its_bit() -> None:
    """Lines of one jail are alternatives; a jail without a match wants all."""
    matches = [["_COMM=a", "_COMM=b"], [], ["_COMM=b"]]
    assert masks(matches, _COMM="a") == 0b011
    assert masks(matches, _COMM="b") == 0b111
    assert masks(matches, _COMM="c") == 0b010


def test_the_journal_is_asked_for_the_union() -> None:
    """Once for each alternative, with nothing asked twice; for everything where one jail wants it."""
    sshd = parse_journalmatch(["_SYSTEMD_UNIT=ssh.service + _COMM=sshd"])
    twice = [sshd, parse_journalmatch(["_COMM=sshd"])]
    assert render_arguments(twice) == ["_SYSTEMD_UNIT=ssh.service", "+", "_COMM=sshd"]
    assert render_arguments([sshd, ()]) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ssh.service", "found 'ssh.service'"),
        ("--file=/etc/shadow", "found '--file=/etc/shadow'"),
        ("lower=1", "found 'lower=1'"),
        ("_COMM=a + + _COMM=b", "a term on either side"),
        ("+ _COMM=b", "a term on either side"),
        ("_COMM='a", "No closing quotation"),
    ],
)
def test_a_mistake_is_named(line: str, words: str) -> None:
    """The message shows the line and what was wrong with it; no term can be an option of the program."""
    with pytest.raises(ValueError, match=words):
        parse_journalmatch([line])


def test_masks_are_remembered_within_bounds() -> None:
    """However many processes a stranger names, memory does not grow without end."""
    channels = Channels([parse_journalmatch(["_COMM=a"])])
    for n in range(10_000):
        assert channels.of({b"_COMM": [b"%d" % n]}) == 0
    assert len(channels._masks) <= 4096
    assert channels.of({b"_COMM": [b"a"]}) == 1


def test_what_no_match_names_is_not_remembered() -> None:
    """Whoever logs under thousands of long names makes nothing grow."""
    channels = Channels([parse_journalmatch(["_COMM=sshd"])])
    for number in range(1000):
        assert channels.of({b"_COMM": (b"%d" % number * 1000,)}) == 0
    assert channels.of({b"_COMM": (b"x", b"sshd")}) == 1
    assert len(channels._masks) == 2

"""What `fail2ban-regex -o` prints."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON, matcher_of

from sekisho.cli.regex_output import Output, parse_output

LINE = "2026-07-14 12:00:00 user root from 192.0.2.1"


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("id", "192.0.2.1"),
        ("ip", "192.0.2.1"),
        ("user", "root"),
        ("nosuch", "None"),
        ("time", "None"),
        ("msg", LINE),
        ("row", f"['192.0.2.1',\t{NOON},\t{{'user': 'root', 'ip4': '192.0.2.1', 'ip6': None}}],"),
        ("<ip>|<F-USER>|<F-NONE>|<time>|<msg>|<foo>", f"192.0.2.1|root||{NOON}|{LINE}|<foo>"),
        ("<family>|<ip-rev>|<fid>|<failures><sp><user>|<matches>", f"inet4|1.2.0.192.|192.0.2.1|0 <user>|{LINE}"),
    ],
)
def test_a_token_says_what_to_print(token: str, shown: str) -> None:
    """Results only, one for each failure."""
    said: list[str] = []
    matcher = matcher_of(r"user <F-USER>\S+</F-USER> from <HOST>")
    Output(parse_output(token, matcher.filter), said.append).add(LINE, matcher.examine(LINE, now=NOON))
    assert said == [shown]


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("msg", "s1 bad a\ns1 from 192.0.2.1"),
        ("<ip> <msg>", "192.0.2.1 s1 bad a\n192.0.2.1 s1 from 192.0.2.1"),
        ("<ip>", "192.0.2.1"),
        ("users", "{'a'}"),
        ("row", "['192.0.2.1',\tNone,\t{'mlfid': 's1', 'user': 'a', 'ip4': '192.0.2.1', 'users': {'a'}}],"),
    ],
)
def test_a_failure_of_several_lines(token: str, shown: str) -> None:
    """`msg` is each of them; whatever else is asked for is said once."""
    said: list[str] = []
    session = "^<F-MLFID>s\\d</F-MLFID>"
    matcher = matcher_of(f"{session} bad <F-USER>\\S+</F-USER>$", f"{session} from <HOST>$")
    output = Output(parse_output(token, matcher.filter), said.append)
    for line in ("s1 bad a", "s1 from 192.0.2.1"):
        output.add(line, matcher.examine(line, now=NOON, check_all=True))
    assert said == [shown]


def test_who_is_no_address_has_no_family() -> None:
    """Nor a name in reverse."""
    said: list[str] = []
    matcher = matcher_of("<F-ID>id=\\S+</F-ID>")
    Output(parse_output("<fid>|<family>|<ip-rev>", matcher.filter), said.append).add(
        "id=x", matcher.examine("id=x", now=NOON)
    )
    assert said == ["id=x|None|"]


def test_a_row_names_the_address_beside_another_identifier() -> None:
    """Who is barred, and where it came from."""
    said: list[str] = []
    matcher = matcher_of(r"user <F-ID>\S+</F-ID> from <HOST>")
    Output(parse_output("row", matcher.filter), said.append).add(LINE, matcher.examine(LINE, now=NOON))
    assert said == [f"['root',\t{NOON},\t{{'fid': 'root', 'ip4': '192.0.2.1', 'ip6': None, 'ip': '192.0.2.1'}}],"]


def test_inverted_it_prints_what_does_not_match() -> None:
    """For whoever wants to see what a filter leaves."""
    said: list[str] = []
    matcher = matcher_of("from <HOST>")
    output = Output(parse_output("msg", matcher.filter), said.append, inverted=True)
    for line in ("from 192.0.2.1", "other"):
        output.add(line, matcher.examine(line, now=NOON))
    output.miss("third", "", None)
    assert said == ["other", "third"]

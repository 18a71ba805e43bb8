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
        ("msg", LINE),
        ("row", f"['192.0.2.1',\t{NOON},\t{{'user': 'root', 'ip4': '192.0.2.1', 'ip6': None}}],"),
        ("<family> <ip-rev> <failures><sp>", "inet4 1.2.0.192. 0 "),
        ("<ip>|<F-USER>|<F-NONE>|<time>|<msg>|<foo>", f"192.0.2.1|root||{NOON}|{LINE}|<foo>"),
    ],
)
def test_a_token_says_what_to_print(token: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Results only, one for each failure."""
    matcher = matcher_of(r"user <F-USER>\S+</F-USER> from <HOST>")
    Output(matcher.filter, parse_output(token), print).hear(LINE, matcher.examine(LINE, now=NOON))
    assert capsys.readouterr().out == shown + "\n"


def test_an_identifier_beside_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    """A row names the address, too; a tag that speaks of addresses says nothing where there is none."""
    matcher = matcher_of("user <F-ID>\\S+</F-ID> from <HOST>", "only <F-ID/>")
    for line, token in ((LINE, "row"), ("only x", "<family>|<ip-rev>|")):
        Output(matcher.filter, parse_output(token), print).hear(line, matcher.examine(line, now=NOON))
    row = "{'fid': 'root', 'ip4': '192.0.2.1', 'ip6': None, 'ip': '192.0.2.1'}"
    assert capsys.readouterr().out == f"['root',\t{NOON},\t{row}],\n||\n"


def test_context_ends_what_a_line_tells(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure behind a hit that is mere context is none, as in the daemon."""
    matcher = matcher_of("^a from <HOST>", "<F-NOFAIL>from</F-NOFAIL> <HOST>", r"^\w from <HOST>")
    output = Output(matcher.filter, parse_output("ip"), print)
    for line in ("a from 192.0.2.1", "b from 192.0.2.2"):
        output.hear(line, matcher.examine(line, now=NOON, check_all=True))
    assert capsys.readouterr().out == "192.0.2.1\n"


def test_inverted_it_prints_what_does_not_match(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever wants to see what a filter leaves."""
    matcher = matcher_of("from <HOST>")
    output = Output(matcher.filter, parse_output("msg"), print, inverted=True)
    for line in ("from 192.0.2.1", "other"):
        output.hear(line, matcher.examine(line, now=NOON))
    output.pass_over(b"last", None)
    assert capsys.readouterr().out == "other\nlast\n"

"""What `fail2ban-regex -o` prints."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON, matcher_of

from sekisho.cli.regex_output import parse_output

LINE = "2026-07-14 12:00:00 user root from 192.0.2.1"


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("id", "192.0.2.1"),
        ("ip", "192.0.2.1"),
        ("user", "root"),
        ("nosuch", "None"),
        ("msg", LINE),
        ("row", f"['192.0.2.1',\t{NOON},\t{{'user': 'root', 'ip4': '192.0.2.1'}}],"),
        ("<ip>|<F-USER>|<F-NONE>|<time>|<msg>|<foo>", f"192.0.2.1|root||{NOON}|{LINE}|<foo>"),
    ],
)
def test_a_token_says_what_to_print(token: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Results only, one for each failure."""
    verdict = matcher_of(r"user <F-USER>\S+</F-USER> from <HOST>").examine(LINE, now=NOON)
    parse_output(token).write(LINE, verdict)
    assert capsys.readouterr().out == shown + "\n"


def test_inverted_it_prints_what_does_not_match(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever wants to see what a filter leaves."""
    matcher = matcher_of("from <HOST>")
    for line in ("from 192.0.2.1", "other"):
        parse_output("msg").write(line, matcher.examine(line, now=NOON), inverted=True)
    assert capsys.readouterr().out == "other\n"

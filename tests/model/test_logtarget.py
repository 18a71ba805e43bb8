"""What a `logtarget` says."""

from __future__ import annotations

import pytest

from sekisho.model.logtarget import LogTarget, TargetKind, parse_target


def test_a_target_is_read_with_its_options() -> None:
    """Reserved words count in any case; anything else is a file."""
    assert parse_target("SysLog[facility=auth, padding=on]") == LogTarget(
        TargetKind.SYSLOG, padding=True, datetime=False, facility=4
    )
    assert parse_target("/var/log/f.log[padding=off]") == LogTarget(
        TargetKind.FILE, path="/var/log/f.log", padding=False
    )


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("", "expected a file"),
        ("/x[colour=on]", "unknown option 'colour'"),
        ("/x[padding]", "did not understand 'padding'"),
        ("syslog[facility=moon]", "unknown facility 'MOON'"),
        ('/x[format="%(bogus)s"]', "does not work"),
        ('/x[format="%"]', "does not work"),
    ],
)
def test_a_wrong_target_is_refused_by_name(target: str, complaint: str) -> None:
    """The message says which word was not understood."""
    with pytest.raises(ValueError, match=complaint):
        parse_target(target)

"""Two programs' understandings of one tree, side by side."""

from __future__ import annotations

from typing import Any

from sekisho.config.comparison import REFUSED, Difference, compare

SSHD: list[list[Any]] = [
    ["set", "loglevel", "INFO"],
    ["add", "sshd", "polling"],
    ["set", "sshd", "maxretry", 5],
    ["multi-set", "sshd", "addfailregex", ["^a <HOST>", "^b <HOST>"]],
    ["set", "sshd", "addlogpath", "/var/log/a", "head"],
    ["set", "sshd", "addlogpath", "/var/log/b", "head"],
    ["set", "sshd", "addaction", "drop"],
    ["multi-set", "sshd", "action", "drop", [["actionban", "drop <ip>"], ["port", "22"]]],
    ["start", "sshd"],
]


def test_the_order_of_what_has_none_is_no_difference() -> None:
    """Settings, logs and an action's properties may come in any order, and a default may be said or not."""
    theirs: list[list[Any]] = [SSHD[1], ["set", "sshd", "maxlines", 1], ["set", "sshd", "logtype", "file"]]
    theirs += [SSHD[3], SSHD[5], SSHD[4], SSHD[2], SSHD[6]]
    theirs += [["multi-set", "sshd", "action", "drop", [["port", "22"], ["actionban", "drop <ip>"]]]]
    assert compare(theirs, SSHD) == {"sshd": ()}


def test_each_difference_is_named() -> None:
    """A time, an expression's place, a log, and an action's command."""
    ours = [list(command) for command in SSHD]
    ours[2][3] = 6
    ours[3][3] = ["^b <HOST>", "^a <HOST>"]
    ours[4][3] = "/var/log/c"
    ours[7][4] = [["actionban", "accept <ip>"], ["port", "22"]]
    found = {each.what: (each.theirs, each.ours) for each in compare(SSHD, ours)["sshd"]}
    assert list(found) == ["maxretry", "addfailregex", "addlogpath", "action drop: actionban"]
    assert found["maxretry"] == (5, 6)
    assert found["action drop: actionban"] == ("drop <ip>", "accept <ip>")


def test_a_jail_that_one_of_them_refuses() -> None:
    """That is the one difference told, with the reason; a jail that one has never heard of is told likewise."""
    text = "Jail 'sshd' skipped, because of wrong configuration: Unable to read action 'drop'"
    assert compare([["config-error", text]], SSHD) == {"sshd": (Difference(REFUSED, text, None),)}
    (only,) = compare([], SSHD)["sshd"]
    assert (only.what, only.ours) == (REFUSED, None)
    assert only.theirs

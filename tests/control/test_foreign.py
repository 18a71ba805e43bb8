"""One request for both servers, and what Fail2ban's answers."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sekisho.control import foreign
from sekisho.control.protocol import Denied, Granted, Kind, Value


def test_a_pickle_machine_drops_the_greeting() -> None:
    """What Fail2ban's server reads is the list alone, structures after the words included."""
    stream: Value = [["set", "loglevel", "INFO"], ["set", "thread", {"stacksize": 0}]]
    frame = foreign.render_request(("reload", "--all"), "ann", ["--unban"], stream)
    assert frame.endswith(foreign.END)
    read = pickle.loads(frame.removesuffix(foreign.END))
    assert read == ["reload", "--all", ["--unban"], stream]


def test_our_server_takes_the_greeting() -> None:
    """It tells who asks, and leaves a frame like any other; a frame without one has none."""
    frame = foreign.render_request(("status", "naïve"), "ann").removesuffix(foreign.END)
    greeting = foreign.parse_greeting(frame)
    assert greeting is not None
    by, rest = greeting
    assert (by, pickle.loads(rest)) == ("ann", ["status", "naïve"])
    for other in (
        rest,
        b"",
        b"\x80\x02X\xff\xff\xff\x7fsekisho: ",
        pickle.dumps(["ping"], 2),
        b"\x80\x02X\x02\x00\x00\x00ab0",
    ):
        assert foreign.parse_greeting(other) is None


class GrudgeError(Exception):
    """An exception of the other side's."""


@pytest.mark.parametrize(
    ("raised", "denied"),
    [
        (IndexError("list index out of range"), Denied(Kind.ARGUMENTS, "list index out of range")),
        (KeyError("Invalid Action name: x"), Denied(Kind.KEY, "Invalid Action name: x")),
        (ValueError("no"), Denied(Kind.VALUE, "no")),
        (GrudgeError("I will not"), Denied(Kind.REFUSED, "I will not")),
        (GrudgeError(), Denied(Kind.REFUSED, "")),
        (FileNotFoundError(2, "No such file", "/x"), Denied(Kind.REFUSED, "[Errno 2] No such file: '/x'")),
        (PermissionError(13, "Denied"), Denied(Kind.REFUSED, "[Errno 13] Denied")),
    ],
)
def test_an_exception_is_a_denial(raised: Exception, denied: Denied) -> None:
    """Known classes tell what kind it is, in every protocol; any other is a refusal."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert foreign.parse_answer(pickle.dumps((1, raised), protocol)) == denied


def test_values_come_as_they_are() -> None:
    """Lists, pairs, numbers and texts; what is no answer says so."""
    assert foreign.parse_answer(pickle.dumps((0, [("a", 1), {"b": ["c"]}, None]))) == Granted(
        [("a", 1), {"b": ["c"]}, None]
    )
    assert foreign.parse_answer(pickle.dumps("ERROR: what?")) == Denied(Kind.REFUSED, "ERROR: what?")
    for frame in (b"", b"rubbish", pickle.dumps((2, 3)), pickle.dumps([1])):
        with pytest.raises(ValueError, match="no answer of Fail2ban's"):
            foreign.parse_answer(frame)


class Trap:
    """Does harm when it is unpickled by a machine that calls what it is told to call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        """Return what such a machine calls."""
        return Path.touch, (str(self.path),)


def test_an_answer_runs_nothing(tmp_path: Path) -> None:
    """Whoever sits on the socket in Fail2ban's place cannot have the client call anything."""
    target = tmp_path / "touched"
    for answer in ((0, Trap(target)), (1, Trap(target)), Trap(target)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                foreign.parse_answer(pickle.dumps(answer, protocol))
            except ValueError:
                continue
    assert not target.exists()

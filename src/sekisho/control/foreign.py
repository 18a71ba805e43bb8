"""One request that both servers understand, ours and Fail2ban's, and the answers of the latter (COMPAT 6.6).

Whoever types `fail2ban-client` need not know which of the two listens. So our client asks with a pickle, the only thing
that Fail2ban's server reads. In front of its list of words stands a text that a pickle machine drops at once; our
server sees it there, takes from it who asks, and answers with a JSON line as it answers its own clients. The first
byte of the answer tells whose it is.

What Fail2ban's server answers is read without trust: a class that it names becomes a record of its name.
"""

from __future__ import annotations

from collections.abc import Sequence

from sekisho.control.protocol import Answer, Denied, Granted, Kind, Value

END = b"<F2B_END_COMMAND>"
_PROTOCOL = b"\x80\x02"
_GREETING = "sekisho: "
_DROP = b"0"  # the instruction POP (pickletools)


def render_request(words: Sequence[str], by: str, *more: Value) -> bytes:
    """Return the frame that says `words`, and after them `more`, which need not be text; `by` is who asks."""
    items = b"".join(map(_text, words))
    if more:
        import pickle

        items += b"".join(pickle.dumps(value, 2)[2:-1] for value in more)
    return _PROTOCOL + _text(_GREETING + by) + _DROP + b"](" + items + b"e." + END


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return b"X" + len(data).to_bytes(4, "little") + data


def parse_greeting(frame: bytes) -> tuple[str, bytes] | None:
    """Return who asks, and the frame without the greeting; None where there is none."""
    start = len(_PROTOCOL) + 5
    length = int.from_bytes(frame[start - 4 : start], "little")
    text = frame[start : start + length]
    greeted = frame[: start - 4] == _PROTOCOL + b"X" and frame[start + length : start + length + 1] == _DROP
    if not greeted or not text.startswith(_GREETING.encode()):
        return None
    return text.decode("utf-8", "replace").removeprefix(_GREETING), _PROTOCOL + frame[start + length + 1 :]


_KINDS = {
    "UnknownJailException": Kind.UNKNOWN_JAIL,
    "DuplicateJailException": Kind.DUPLICATE_JAIL,
    "IndexError": Kind.ARGUMENTS,
    "KeyError": Kind.KEY,
    "ValueError": Kind.VALUE,
}


class _Named:
    """What stands for an object of a class that the other side names."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        """Whatever more there is to it is of no interest."""


def parse_answer(frame: bytes) -> Answer:
    """Return the answer in a frame of Fail2ban's server, without its end marker.

    Raises:
        ValueError: the frame is no answer.

    """
    import io
    import pickle

    class Reader(pickle.Unpickler):
        """Reads values, and imports nothing."""

        def find_class(self, module: str, name: str, /) -> type:
            """Return text, which is what Fail2ban makes of addresses, or a record of the name."""
            if (module, name) in {("builtins", "str"), ("__builtin__", "unicode")}:
                return str
            return type(name, (_Named,), {})

    try:
        answer = Reader(io.BytesIO(frame)).load()
    except Exception as error:
        raise ValueError(f"no answer of Fail2ban's: {error}") from error
    match answer:
        case (0, value):
            return Granted(value)
        case (1, _Named(arguments=arguments) as raised):
            kind = _KINDS.get(type(raised).__name__, Kind.REFUSED)
            return Denied(kind, _detail(arguments))
        case str():
            return Denied(Kind.REFUSED, answer)
        case _:
            raise ValueError(f"no answer of Fail2ban's: {str(answer)[:100]!r}")


def _detail(arguments: Sequence[object]) -> str:
    """Return the message of an exception: of the system's, which bears a number, as Python writes it."""
    match arguments:
        case (int(number), str(text), file, *_):
            return f"[Errno {number}] {text}: {file!r}"
        case (int(number), str(text)):
            return f"[Errno {number}] {text}"
        case (only,):
            return str(only)
        case _:
            return str(tuple(arguments)) if arguments else ""

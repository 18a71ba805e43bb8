"""Frames, however the bytes were cut on their way."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.control.frames import Abuse, Frame, Inbox
from sekisho.control.pickled import CLOSE, END

bodies = st.lists(
    st.lists(st.text(max_size=20), max_size=3).flatmap(
        lambda words: st.sampled_from(
            [Frame(pickle.dumps(words, protocol), is_pickled=True) for protocol in range(6)]
            + [Frame(b'{"words": []}', is_pickled=False)]
        )
    ),
    max_size=5,
)


def sent(frames: list[Frame]) -> bytes:
    """Return the bytes by which a peer says these frames."""
    return b"".join(frame.body + (END if frame.is_pickled else b"\n") for frame in frames)


@given(frames=bodies, data=st.data())
def test_frames_do_not_depend_on_how_the_bytes_were_cut(frames: list[Frame], data: st.DataObject) -> None:
    """All at once, byte by byte or anyhow: the same requests in the same order, and nothing is left."""
    whole, inbox, found = sent(frames), Inbox(10_000), []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        inbox.feed(whole[start:end])
        while (frame := inbox.take()) is not None:
            found.append(frame)
    assert found == frames
    assert inbox.is_empty


def test_a_farewell_is_no_request() -> None:
    """With its marker it ends the session; without, and then the end of the stream, it is not half a request."""
    inbox = Inbox(100)
    inbox.feed(CLOSE)
    assert inbox.take() is None
    assert inbox.is_empty
    inbox.feed(END)
    frame = inbox.take()
    assert frame is not None
    assert frame.ends


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n", b"\0", b"\n", b"[1]\n", b"\xff"])
def test_what_is_neither_framing_is_known_by_its_first_byte(start: bytes) -> None:
    """Nothing is waited for."""
    inbox = Inbox(100)
    inbox.feed(start[:1])
    with pytest.raises(Abuse, match="neither framing"):
        inbox.take()


@pytest.mark.parametrize("start", [b"{", b"\x80\x04", b"(", b"]"])
def test_a_frame_without_an_end_is_cut_at_the_cap(start: bytes) -> None:
    """As soon as more than that has come."""
    inbox = Inbox(100)
    inbox.feed(start + b" " * (100 - len(start)))
    assert inbox.take() is None
    inbox.feed(b" ")
    with pytest.raises(Abuse, match="more than 100 bytes"):
        inbox.take()


def test_a_frame_over_the_cap_is_refused_also_when_it_comes_whole() -> None:
    """The end that comes with it makes it no better."""
    inbox = Inbox(100)
    inbox.feed(b"{" + b" " * 100 + b"}\n")
    with pytest.raises(Abuse, match="more than 100 bytes"):
        inbox.take()

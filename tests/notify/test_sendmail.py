"""Delivery through a program of this host."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest

from sekisho.notify import sendmail
from sekisho.notify.outbox import DeliveryError
from sekisho.notify.sendmail import find_sendmail, run_mailer, send_by_sendmail


def _program(folder: Path, script: str) -> str:
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def test_sendmail_gets_the_message_and_its_arguments(tmp_path: Path) -> None:
    """The sender, then nothing but recipients, whatever they begin with."""
    program = _program(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/arguments; cat > {tmp_path}/message')
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("hello\n")
    asyncio.run(send_by_sendmail(message, program=program, sender="me@example.com", dest=["a@example.com", "root"]))
    arguments = (tmp_path / "arguments").read_text().split("\n")
    assert arguments == ["-oi", "-f", "me@example.com", "--", "a@example.com", "root", ""]
    assert (tmp_path / "message").read_bytes() == message.as_bytes()


@pytest.mark.parametrize(("status", "permanent"), [(75, False), (1, False), (67, True), (64, True)])
def test_a_refusal_tells_whether_trying_again_helps(tmp_path: Path, status: int, permanent: bool) -> None:  # noqa: FBT001
    """The statuses of sysexits.h; the program's complaint is the reason."""
    program = _program(tmp_path, f"cat > /dev/null; echo 'sorry, no' >&2; exit {status}")
    with pytest.raises(DeliveryError, match=f"exited with {status}: sorry, no") as caught:
        asyncio.run(run_mailer([program], b"x"))
    assert caught.value.permanent is permanent


def test_a_program_that_reads_nothing_is_judged_by_its_status(tmp_path: Path) -> None:
    """A closed pipe is no error of its own."""
    asyncio.run(run_mailer([_program(tmp_path, "exec <&-; exit 0")], b"x" * 10**6))


def test_a_program_that_hangs_or_babbles_is_survived(tmp_path: Path) -> None:
    """After its time it is ended; its complaints are cut."""
    with pytest.raises(DeliveryError, match="did not end within"):
        asyncio.run(run_mailer([_program(tmp_path, "sleep 600")], b"x", seconds=0.1))
    with pytest.raises(DeliveryError) as caught:
        asyncio.run(run_mailer([_program(tmp_path, "yes | head -c 1000000 >&2; exit 1")], b"x"))
    assert len(str(caught.value)) < 3000


def test_a_program_that_is_missing_is_an_error_for_now(tmp_path: Path) -> None:
    """It may be under installation."""
    with pytest.raises(DeliveryError, match="cannot be started") as caught:
        asyncio.run(run_mailer([str(tmp_path / "none")], b"x"))
    assert not caught.value.permanent


def test_sendmail_is_looked_for_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the daemon's PATH leads."""
    program = _program(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sendmail, "_PATH", str(tmp_path))
    assert find_sendmail() == program
    monkeypatch.setattr(sendmail, "_PATH", str(tmp_path / "none"))
    assert find_sendmail() is None

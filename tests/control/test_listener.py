"""The socket's place: its mode, its group, its directory, and what lies there already."""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.control.listener import Listener, SocketInUse, refuse_unless_free

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")
GROUP = grp.getgrall()[-1].gr_gid


def mode(path: Path) -> int:
    """Return the permissions of what lies at `path` itself."""
    return stat.S_IMODE(path.lstat().st_mode)


@contextlib.contextmanager
def listening(path: Path, group: int | None = None) -> Iterator[Listener]:
    """A listener, until the block ends."""
    listener = Listener(path, group)
    try:
        yield listener
    finally:
        listener.close()
        listener.remove()


def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    """So is the directory that is made for it, whatever the umask; afterwards the socket is gone."""
    path, umask = tmp_path / "run" / "s.sock", os.umask(0)
    try:
        with listening(path) as listener:
            assert (mode(path), mode(path.parent)) == (0o600, 0o700)
            assert [entry.name for entry in path.parent.iterdir()] == ["s.sock"]
            assert listener.is_in_place
    finally:
        assert os.umask(umask) == 0, "the umask is as it was"
    assert not path.exists()


@root_only
def test_a_group_reaches_its_socket(tmp_path: Path) -> None:
    """The socket is the group's to write to, and the directory its to pass, and no more."""
    path = tmp_path / "run" / "s.sock"
    with listening(path, GROUP):
        assert (mode(path), path.stat().st_gid) == (0o660, GROUP)
        assert (mode(path.parent), path.parent.stat().st_gid) == (0o710, GROUP)


@root_only
@pytest.mark.parametrize("before", [0o700, 0o755, 0o711])
def test_a_directory_is_opened_only_where_nothing_else_is_in_it(
    tmp_path: Path, before: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Where something would become reachable besides, the log says what to do."""
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(before)
    (directory / "notes").touch(0o644)
    with listening(directory / "s.sock", GROUP):
        assert mode(directory) == before
    assert ("cannot reach the control socket" in caplog.text) is (before == 0o700)


@root_only
@pytest.mark.parametrize(("directory_mode", "owner"), [(0o777, 0), (0o755, 65534)])
def test_a_directory_of_others_is_told(
    tmp_path: Path, directory_mode: int, owner: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever can write to the directory can put a socket of his own in place of ours."""
    directory = tmp_path / "theirs"
    directory.mkdir()
    directory.chmod(directory_mode)
    os.chown(directory, owner, -1)
    with listening(directory / "s.sock"):
        assert "Others may replace the control socket" in caplog.text


@root_only
def test_the_sticky_directory_of_all_is_nothing_to_tell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In /tmp nobody can remove what is another's."""
    caplog.set_level(logging.DEBUG)
    directory = tmp_path / "tmp"
    directory.mkdir()
    directory.chmod(0o1777)
    with listening(directory / "s.sock"):
        assert not caplog.records


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed daemon left behind stands in nobody's way."""
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listening(path) as listener:
        assert listener.is_in_place


def test_a_living_servers_socket_is_left_alone(tmp_path: Path) -> None:
    """Also where that server is too busy to accept."""
    path = tmp_path / "s.sock"
    with listening(path) as first, contextlib.ExitStack() as stack:
        first.socket.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        with pytest.raises(SocketInUse, match="another server answers"):
            Listener(path, None)
        assert first.is_in_place


@pytest.mark.parametrize("what", ["file", "directory", "link"])
def test_what_is_no_socket_is_not_touched(tmp_path: Path, what: str) -> None:
    """A file at the socket's path is somebody's file, however one comes to it."""
    (tmp_path / "file").write_text("precious")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(FileExistsError, match="is no socket"):
        Listener(tmp_path / what, None)
    assert (tmp_path / "file").read_text() == "precious"


def test_a_link_that_leads_nowhere_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Nothing comes to be where it pointed."""
    (tmp_path / "s.sock").symlink_to("elsewhere")
    with listening(tmp_path / "s.sock"):
        assert not (tmp_path / "s.sock").is_symlink()
        assert not (tmp_path / "elsewhere").exists()


def test_a_path_that_no_socket_can_have_is_named(tmp_path: Path) -> None:
    """Too long for the system, or below what is no directory."""
    with pytest.raises(OSError, match="too long"):
        Listener(Path(f"/tmp/{'x' * 120}"), None)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|exists"):
        Listener(tmp_path / "file" / "s.sock", None)


def test_another_servers_socket_is_not_removed(tmp_path: Path) -> None:
    """A server that ends removes its own socket, not that of whoever came after it."""
    path = tmp_path / "s.sock"
    first = Listener(path, None)
    path.unlink()
    assert not first.is_in_place
    with listening(path) as second:
        first.close()
        first.remove()
        assert second.is_in_place
    refuse_unless_free(path)

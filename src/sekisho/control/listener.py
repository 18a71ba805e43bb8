"""The socket's place in the file system: made without a moment of wider rights, and never in place of what is in use.

The socket is bound under another name and moved into place, so that nobody ever finds it with wider rights than it
shall have, or finds none where a stale one was. It is made with its mode and its group, by the umask and by our own
group at that moment: there is nothing to change by name afterwards, where somebody might have put another file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
from pathlib import Path

log = logging.getLogger("fail2ban.server")

_PATH_CAP = 107  # bytes; sun_path holds 108 with its NUL (unix(7))
_BACKLOG = 128  # the longest that a client stands behind those who only come and go: some milliseconds


class SocketInUse(Exception):  # noqa: N818 - a fact that the daemon acts on
    """Another server answers on the socket."""


class Listener:
    """A socket that listens at `path`, for root alone or also for `group`."""

    def __init__(self, path: Path, group: int | None) -> None:
        """Listen, in place of a stale socket; the directory's last level is made if it is missing.

        Raises:
            SocketInUse: another server answers there.
            OSError: the path cannot hold a socket.

        """
        self.path = path
        self.socket = _listen(path, group)
        self._inode = _inode_of(path)

    @property
    def is_in_place(self) -> bool:
        """Whether clients that come by the path still find this socket."""
        return _inode_of(self.path) == self._inode

    def close(self) -> None:
        """Listen no more."""
        self.socket.close()

    def remove(self) -> None:
        """Take the socket from its path, unless another server has put its own there."""
        if self.is_in_place:
            self.path.unlink(missing_ok=True)


def _inode_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _listen(path: Path, group: int | None) -> socket.socket:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    if len(os.fsencode(fresh)) > _PATH_CAP:
        raise OSError(f"socket path {path} is too long: the system allows about {_PATH_CAP - 10} bytes")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    refuse_unless_free(path)
    _look_at_directory(path.parent)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        fresh.unlink(missing_ok=True)
        try:
            _bind(listener, fresh, group)
        except PermissionError as error:
            if group is None:
                raise
            log.error("The control socket is for root alone: it cannot be given to group %d (%s)", group, error)
            _bind(listener, fresh, None)
        if group is not None:
            _open_directory(path.parent, group, besides=(path, fresh))
        listener.listen(_BACKLOG)
        fresh.rename(path)
    except OSError:
        listener.close()
        fresh.unlink(missing_ok=True)
        raise
    listener.setblocking(False)
    return listener


def _look_at_directory(directory: Path) -> None:
    status = directory.stat()
    if status.st_uid not in (0, os.geteuid()):
        log.warning("Others may replace the control socket: %s belongs to uid %d", directory, status.st_uid)
    elif status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        log.warning("Others may replace the control socket: %s can be written to by more than its owner", directory)


def _bind(listener: socket.socket, path: Path, group: int | None) -> None:
    own, umask = os.getegid(), os.umask(0o177 if group is None else 0o117)
    try:
        if group is not None:
            os.setegid(group)
        listener.bind(str(path))
    finally:
        os.setegid(own)
        os.umask(umask)


def _open_directory(directory: Path, group: int, *, besides: tuple[Path, ...]) -> None:
    """Let members of `group` pass the directory, where nothing else in it becomes reachable by that; else tell."""
    status = directory.stat()
    if status.st_mode & 0o001 or (status.st_gid == group and status.st_mode & 0o010):
        return
    rest = [entry for entry in directory.iterdir() if entry not in besides]
    if not status.st_mode & 0o070 and not any(entry.lstat().st_mode & 0o077 for entry in rest):
        with contextlib.suppress(PermissionError):
            os.chown(directory, -1, group)
            directory.chmod(stat.S_IMODE(status.st_mode) | 0o010)
            return
    log.warning("Group %d cannot reach the control socket: let it pass %s (chgrp, chmod g+x)", group, directory)


def refuse_unless_free(path: Path) -> None:
    """Raise SocketInUse where a server answers at `path`, FileExistsError where something else than a socket is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} is there and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except (TimeoutError, BlockingIOError):
            pass  # somebody listens, and is busy
    raise SocketInUse(f"another server answers on {path}")

"""Real journals of a test's own, written by systemd's receiver of remote entries."""

from __future__ import annotations

import subprocess
from pathlib import Path

REMOTE = "/lib/systemd/systemd-journal-remote"
EPOCH = 1_700_000_000
BOOT = "6c7c6013a26343b29e964691ff25d04c"


class Journal:
    """A directory of journal files. Entry n, from 0 over all files, is written at EPOCH + n seconds."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.count = 0

    def write(self, identifier: str, *messages: str, file: str = "a.journal", **fields: str) -> None:
        """Append an entry for each message."""
        self.directory.mkdir(exist_ok=True)
        stream = b"".join(self._entry(identifier, message, fields) for message in messages)
        subprocess.run(
            [REMOTE, "-o", str(self.directory / file), "-"], input=stream, check=True, stderr=subprocess.DEVNULL
        )

    def _entry(self, identifier: str, message: str, fields: dict[str, str]) -> bytes:
        entry = {
            "__REALTIME_TIMESTAMP": str((EPOCH + self.count) * 1_000_000),
            "__MONOTONIC_TIMESTAMP": str(self.count * 1_000_000 + 1),
            "_BOOT_ID": BOOT,
            "_HOSTNAME": "mx",
            "SYSLOG_IDENTIFIER": identifier,
            "_PID": "7",
            **fields,
        }
        self.count += 1
        text = "".join(f"{name}={value}\n" for name, value in entry.items()).encode()
        data = message.encode()
        return text + b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + b"\n\n"

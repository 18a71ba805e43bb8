"""Which system this is, and which `paths-NAME.conf` therefore says where its services log.

The stock jail.conf includes `paths-auto.conf`, which is no file: it stands for the one of the system at hand. Whoever
knows better includes another in jail.local, and a jail.conf of one's own means what it says.

Linux and FreeBSD tell what they are in os-release(5): `ID`, and in `ID_LIKE` whose kin they are, the nearest first.
Where there is none, a file tells that only such a system has.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

AUTO = "paths-auto.conf"

_RELEASES = ("etc/os-release", "usr/lib/os-release", "var/run/os-release")
_KIN: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("debian", "ubuntu"), "debian"),
        **dict.fromkeys(("fedora", "rhel", "centos", "almalinux", "rocky", "ol", "amzn"), "fedora"),
        **dict.fromkeys(("suse", "opensuse", "sles"), "opensuse"),
        **{name: name for name in ("arch", "alpine", "freebsd")},
    }
)
_MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "System/Library/CoreServices/SystemVersion.plist": ("macOS", "osx"),
        "bin/freebsd-version": ("FreeBSD", "freebsd"),
    }
)
_OTHERWISE = "debian"


@dataclass(frozen=True, slots=True)
class System:
    """A system: its name for people, and its paths file; one that is not `is_known` gets Debian's paths."""

    name: str
    paths: str
    is_known: bool = True


def detect_system(root: Path = Path("/")) -> System:
    """Return which system lies beneath `root`; never raises."""
    for name in _RELEASES:
        try:
            text = (root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return identify(parse_os_release(text))
    for mark, (name, paths) in _MARKS.items():
        if (root / mark).exists():
            return System(name, f"paths-{paths}.conf")
    return System("a system without os-release", f"paths-{_OTHERWISE}.conf", is_known=False)


def identify(release: Mapping[str, str]) -> System:
    """Return the system that an os-release file describes."""
    name = release.get("PRETTY_NAME") or release.get("NAME") or release.get("ID") or "a system without a name"
    for kin in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if kin in _KIN:
            return System(name, f"paths-{_KIN[kin]}.conf")
    return System(name, f"paths-{_OTHERWISE}.conf", is_known=False)


def parse_os_release(text: str) -> dict[str, str]:
    """Return the variables of an os-release file, as a shell would read them; a line that it could not is left out."""
    found = {}
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if not sign or name.startswith("#"):
            continue
        try:
            found[name] = "".join(shlex.split(value)[:1])
        except ValueError:  # a quote that is never closed
            continue
    return found

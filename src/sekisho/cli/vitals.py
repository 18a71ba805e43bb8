"""What `sekisho doctor` reads of a host: programs, processes, sockets, disks. Changes nothing, and judges nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sekisho.cli.diagnosis import Door, parse_listening
from sekisho.cli.ipset_diagnosis import Trial, parse_trial
from sekisho.model.ports import merge_ports
from sekisho.model.services import parse_port_word, port_words
from sekisho.model.specs import JailSpec

PROC = Path("/proc")
_SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST = 15.0  # seconds for a program that only lists something
_SERVICES = ("STDOUT", "STDERR", "SYSOUT", "SYSLOG", "SYSTEMD-JOURNAL", "JOURNAL")  # targets that are no files
_LEGACY = {"iptables-legacy-save": "net/ip_tables_names", "ip6tables-legacy-save": "net/ip6_tables_names"}
_FRONT = ("iptables-save", "ip6tables-save")
_IPSET_TRIAL = ("-P", "-m", "sekisho.enforce.ipset_trial")
_TRIAL = """\
add table inet sekisho-trial
add set inet sekisho-trial a { type ipv4_addr; flags timeout; counter; }
add set inet sekisho-trial b { type ipv6_addr; flags interval, timeout; counter; }
add chain inet sekisho-trial c { type filter hook prerouting priority -310; policy accept; }
add rule inet sekisho-trial c th dport { 22 } ip saddr @a drop
add rule inet sekisho-trial c ip6 saddr @b reject
"""
"""Rules of each kind that a jail's are made of; the kernel is asked what it thinks of them, and none is set up."""


def find_program(name: str) -> str | None:
    """Return the path of a program where a service would find it."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}")


def listen_to(argv: Sequence[str], text: str = "") -> tuple[str, str]:
    """Return what a program printed, and its complaint, empty when it succeeded."""
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, errors="replace", timeout=_LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    said = " ".join(done.stderr.split())[:400]
    return done.stdout, (said or f"{argv[0]} returned {done.returncode}") if done.returncode else ""


def try_rules(program: str) -> str:
    """Return what nft, or the kernel, has against rules such as ours; nothing is set up (`nft --check`)."""
    return listen_to([program, "--check", "-f", "-"], _TRIAL)[1]


def try_ipset() -> Trial:
    """Return what the kernel and iptables have against sets and rules such as ours, tried in a network of its own."""
    said, complaint = listen_to(["unshare", "--net", sys.executable, *_IPSET_TRIAL])
    return parse_trial(said, complaint)


def read_front() -> dict[str, str]:
    """Return the rules of the table in which ours stand first, by the program that prints them."""
    found = {program: find_program(program) for program in _FRONT}
    return {program: listen_to([path, "-t", "raw"])[0] for program, path in found.items() if path}


def read_ruleset(program: str) -> Sequence[Mapping[str, Any]]:
    """Return the rules of the host as nft's JSON has them, without the elements of sets; empty where it has none."""
    said, complaint = listen_to([program, "--json", "--terse", "list", "ruleset"])
    if complaint:
        return ()
    try:
        listed: Sequence[Mapping[str, Any]] = json.loads(said)["nftables"]
    except (ValueError, KeyError):
        return ()
    return listed


def read_legacy(proc: Path = PROC) -> dict[str, str]:
    """Return the rules of the older iptables, by the program that prints them; asked only where it has tables."""
    saved = {}
    for program, names in _LEGACY.items():
        if read_text(proc / names).strip() and (path := find_program(program)):
            saved[program] = listen_to([path])[0]
    return saved


def read_listening(proc: Path = PROC) -> dict[str, frozenset[int]]:
    """Return the ports that can be reached from outside, by protocol."""
    return {
        kind: parse_listening(read_text(proc / "net" / kind)) | parse_listening(read_text(proc / "net" / f"{kind}6"))
        for kind in ("tcp", "udp")
    }


def read_capabilities(pid: int | str = "self", proc: Path = PROC) -> int:
    """Return the effective capabilities of a process as a bit mask; 0 where there is none."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", read_text(proc / str(pid) / "status"), re.MULTILINE)
    return int(found[1], 16) if found else 0


def find_rivals(own: int | None, proc: Path = PROC) -> list[int]:
    """Return the processes of Fail2ban's server; `own` is our daemon, which may have been started under that name."""
    found = []
    for path in proc.iterdir():
        if path.name.isdecimal() and int(path.name) != own:
            words = read_text(path / "cmdline").split("\0")
            if any(Path(word).name == "fail2ban-server" for word in words[:2]):
                found.append(int(path.name))
    return sorted(found)


def read_pid(path: str) -> int | None:
    """Return the process in a pid file; None where it names none."""
    text = read_text(Path(path)).strip()
    return int(text) if text.isdecimal() else None


def read_text(path: Path) -> str:
    """Return a file's text, empty where it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def try_journal() -> str:
    """Return what journalctl has against showing the journal."""
    said, complaint = listen_to(["journalctl", "--quiet", "--lines=1", "--output=cat"])
    return complaint or ("" if said else "it shows no entry")


def try_file(path: Path) -> str:
    """Return what stands against writing a file, or making it."""
    if path.exists():
        return "" if os.access(path, os.W_OK) else "permission denied"
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}"
    return "" if os.access(path.parent, os.W_OK) else f"{path.parent} may not be written to"


def try_log(target: str) -> str:
    """Return what stands against writing the log; of a stream or a service there is nothing to say."""
    place = target.partition("[")[0].strip()
    return "" if place.upper() in _SERVICES else try_file(Path(place))


def read_free(path: Path) -> int:
    """Return the bytes that are free where a file lies or would lie."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0


def doors_of(jails: Iterable[JailSpec]) -> Iterator[Door]:
    """Yield the ports that each jail's actions bar; a jail that bars every port has no door."""
    for jail in jails:
        told = [action for action in jail.actions if {"port", "protocol"} <= action.properties.keys()]
        if any("allports" in {*action.name.split("-"), action.properties.get("type")} for action in told):
            continue
        words = [word for action in told for word in port_words(action.properties["port"])]
        ports = [found for word in words if (found := parse_port_word(word, _ask)) is not None]
        if ports and all(found.last - found.first < 65000 for found in ports):
            kinds = {kind for action in told for kind in re.split(r"[,\s]+", action.properties["protocol"].lower())}
            yield Door(jail.name, tuple(sorted(kinds)), merge_ports(tuple(ports)))


def _ask(name: str, _protocol: str) -> int | None:
    try:
        return socket.getservbyname(name)
    except (OSError, UnicodeError, ValueError):
        return None

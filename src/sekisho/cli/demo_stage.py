"""The stage: private namespaces in which a mail server is attacked, and nothing of the host is touched.

One process holds the stage. `enter` starts it under `unshare` with its own mounts, network and processes; there it
lays private copies over the directories that the play writes to, ties a second network ("outside", where the strangers
live) to its own, and starts a real journald. It then waits for the end of its standard input. Whoever built the stage
reaches in with `nsenter`. When that process goes away, however it goes, the holder reads end-of-file and leaves, the
kernel ends every process of its process namespace, and networks, rules and mounts go with the last of them: there is
nothing to clean up, hence nothing that can be forgotten.

A veiled directory is a tmpfs full of symbolic links to what lay there before: programs find everything in its place,
and whatever is written, or replaced, is written to memory.

    outside 203.0.113.2, 2001:db8::2                        the server 203.0.113.1, 2001:db8::1
    and every address of STRANGE, bound at will  --- veth ---  services on every port that is asked for
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER, SERVER6 = "203.0.113.1", "2001:db8::1"
OUTSIDE, OUTSIDE6 = "203.0.113.2", "2001:db8::2"
STRANGE = ("198.51.100.0/24", "192.0.2.0/24", "192.168.0.0/16", "10.0.0.0/8", "2001:db8:bad::/48")
"""Networks of which every address lives outside: strangers (RFC 5737, RFC 3849), and private ones that are ignored."""

OUTSIDE_NETWORK = "/run/netns/outside"
MAIL = Path("/run/stage/mail")
"""Where the stage's `sendmail` puts each message, with its arguments as the first line (`X-Arguments:`)."""

_NEEDED = ("unshare", "nsenter", "mount", "ip", "nft")
_JOURNALD = ("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
_VEILED = ("/dev", "/etc", "/usr/sbin", "/usr/bin", "/var/lib")
_JOURNALD_CONF = """\
[Journal]
Storage=volatile
ReadKMsg=no
Audit=no
ForwardToWall=no
ForwardToSyslog=no
RateLimitIntervalSec=0
"""
_SENDMAIL = """\
#!/bin/sh
umask 077
new=$(mktemp {mail}/new.XXXXXX) || exit 75
{{ printf 'X-Arguments: %s\\n' "$*"; cat; }} >"$new" && mv "$new" "$new.eml"
"""
_WHOIS = """\
#!/bin/sh
for last; do :; done
cat <<EOF
inetnum:        $last
netname:        EXAMPLE-NET
country:        ZZ
abuse-mailbox:  abuse@example.net
EOF
"""


class StageError(Exception):
    """The stage cannot be built here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A built stage, seen from outside. `root` is the process inside that holds it; it lives until `close`."""

    holder: subprocess.Popen[str]
    root: int
    namespaces: tuple[str, ...]

    def inside(self, argv: Sequence[str], *, network: str | None = None) -> list[str]:
        """Return the command that runs `argv` on the stage, in its own network or in the one named."""
        enter = ["nsenter", f"--target={self.root}", *self.namespaces, "--mount", "--pid", "--uts"]
        if not network:
            return [*enter, "--net", "--", *argv]
        return [*enter, "--", "nsenter", f"--net={network}", "--", *argv]

    def path(self, path: str | Path) -> Path:
        """Return where the stage's `path` lies for a process that is not on it (symbolic links are not followed)."""
        return Path(f"/proc/{self.root}/root") / str(path).lstrip("/")

    def run(self, *argv: str, text: str | None = None, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a program on the stage to its end, whatever that is."""
        return subprocess.run(
            self.inside(argv), input=text, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(
        self, *argv: str, network: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a program on the stage; its input and output are pipes, its errors are this process's."""
        return subprocess.Popen(
            self.inside(argv, network=network),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=dict(env) if env is not None else None,
            start_new_session=True,
        )

    def close(self) -> None:
        """End everything on the stage, and the stage."""
        if self.holder.stdin is not None:
            self.holder.stdin.close()
        try:
            self.holder.wait(10)
        except subprocess.TimeoutExpired:
            self.holder.kill()  # unshare --kill-child takes the holder with it
            self.holder.wait()
        if self.holder.stdout is not None:
            self.holder.stdout.close()


def missing() -> str:
    """Return why no stage can be built here; empty when nothing stands against it.

    Root is not needed where the system lets everyone have namespaces: one is root in one's own.
    """
    _look_in_sbin()
    absent = [name for name in _NEEDED if shutil.which(name) is None]
    if absent:
        return f"missing programs: {', '.join(absent)} (packages util-linux, mount, iproute2, nftables)"
    if find_journald() is None:
        return "systemd-journald is not installed"
    probe = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"namespaces are not permitted here: {probe.stderr.strip()}" if probe.returncode else ""


def _look_in_sbin() -> None:
    """Let this process and its children find nft and ip, which lie outside of an ordinary user's PATH."""
    known = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*known, *(path for path in ("/usr/sbin", "/sbin") if path not in known)])


def _unshare() -> list[str]:
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *own_user, "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc", "--"]


def find_journald() -> str | None:
    """Return where systemd-journald lies."""
    return next((path for path in _JOURNALD if os.access(path, os.X_OK)), None)


def enter() -> Stage:
    """Return a new stage, ready to be played on.

    Raises StageError when it cannot be built; nothing of it is left then.
    """
    if reason := missing():
        raise StageError(reason)
    holder = subprocess.Popen(
        [*_unshare(), sys.executable, "-m", "sekisho.cli.demo_stage"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the player; the stage falls when the player lets go of it
    )
    assert holder.stdout is not None
    answer = holder.stdout.readline().strip()
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    if answer != "ready":
        holder.kill()
        holder.wait()
        raise StageError(answer or "the stage's holder ended at once")
    own_user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
    return Stage(holder, int(children.read_text().split()[0]), own_user)


def hold() -> None:
    """Build the stage around this process and keep it until standard input ends. Runs as the first process inside."""
    try:
        _lay_mounts()
        _tie_networks()
        _start_journald()
    except (OSError, subprocess.SubprocessError, StageError) as error:
        detail = getattr(error, "stderr", None) or ""
        print(f"{error} {detail}".replace("\n", " ").strip(), flush=True)
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # process 1 inherits the orphans; so the kernel reaps them
    print("ready", flush=True)
    sys.stdin.read()


def _call(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True)


def _lay_mounts() -> None:
    _call("mount", "--make-rprivate", "/")
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for path in _VEILED:
        _veil(Path(path))
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/log")
    if not Path("/var/run").is_symlink():
        _call("mount", "--bind", "/run", "/var/run")
    Path("/var/lib/sekisho").unlink(missing_ok=True)  # a ledger that this host has is none of the stage's
    MAIL.mkdir(parents=True)
    _replace(Path("/usr/sbin/sendmail"), _SENDMAIL.format(mail=MAIL))
    _replace(Path("/usr/bin/whois"), _WHOIS)
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").write_text(f"nameserver {OUTSIDE}\noptions attempts:1 timeout:1\n")  # refuses at once
    socket.sethostname("mail")


def _veil(path: Path) -> None:
    """Lay a tmpfs over `path` whose entries point to what was there."""
    beneath = Path("/run/stage/beneath") / path.name
    beneath.mkdir(parents=True)
    _call("mount", "--rbind", str(path), str(beneath))
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(path))
    for entry in beneath.iterdir():
        (path / entry.name).symlink_to(entry)


def _replace(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def _tie_networks() -> None:
    outside = ("ip", "-n", "outside")
    quick = "for knob in all default; do echo 0 >/proc/sys/net/ipv6/conf/$knob/accept_dad; done"
    borrow = "echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind"
    _call("ip", "netns", "add", "outside")
    _call("sh", "-c", quick)
    _call("nsenter", f"--net={OUTSIDE_NETWORK}", "sh", "-c", f"{quick}; {borrow}")
    _call("ip", "link", "add", "server", "type", "veth", "peer", "name", "outside", "netns", "outside")
    for ip, name, four, six in (
        (("ip",), "server", SERVER, SERVER6),
        (outside, "outside", OUTSIDE, OUTSIDE6),
    ):
        _call(*ip, "link", "set", "lo", "up")
        _call(*ip, "link", "set", name, "up")
        _call(*ip, "address", "add", f"{four}/24", "dev", name)
        _call(*ip, "address", "add", f"{six}/64", "dev", name, "nodad")
    for network in STRANGE:
        _call("ip", "route", "add", network, "via", OUTSIDE6 if ":" in network else OUTSIDE, "dev", "server")
        _call(*outside, "route", "add", "local", network, "dev", "lo")  # every address of it is at home there


def _start_journald() -> None:
    journald = find_journald()
    assert journald is not None
    conf = Path("/etc/systemd")
    _open_up(conf)
    (conf / "journald.conf").unlink(missing_ok=True)
    (conf / "journald.conf").write_text(_JOURNALD_CONF)
    machine = Path("/etc/machine-id")
    if not (machine.exists() and machine.read_text().strip()):
        machine.unlink(missing_ok=True)
        machine.write_text("5e" * 16 + "\n")
    Path("/dev/log").unlink(missing_ok=True)
    Path("/dev/log").symlink_to("/run/systemd/journal/dev-log")
    Path("/run/systemd/journal").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind("/run/stage/notify")
        ready.settimeout(10)
        subprocess.Popen(
            [journald],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"NOTIFY_SOCKET": "/run/stage/notify"},
        )
        while b"READY=1" not in ready.recv(4096):
            pass


def _open_up(path: Path) -> None:
    """Make a directory inside a veiled one private too."""
    entries = list(path.iterdir()) if path.is_dir() else []
    targets = {entry.name: str(entry.resolve()) for entry in entries}
    if path.is_symlink():
        path.unlink()
    path.mkdir(exist_ok=True)
    for name, target in targets.items():
        (path / name).symlink_to(target)


if __name__ == "__main__":
    hold()

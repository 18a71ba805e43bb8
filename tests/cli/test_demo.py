"""The demo ends by itself with status 0, shows what it promises, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.cli.demo import render_rules

DEMO = [sys.executable, "-m", "sekisho", "demo"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose temporary files can be seen, and must be gone in the end."""
    yield {**os.environ, "TMPDIR": str(tmp_path)}
    assert list(tmp_path.iterdir()) == []


def test_without_namespaces_it_observes(home: dict[str, str]) -> None:
    """Bans are decided and shown, a letter is written; no firewall is spoken of."""
    played = subprocess.run(
        [*DEMO, "--quick", "--observe"], env=home, capture_output=True, text=True, timeout=60, check=False
    )

    assert (played.returncode, played.stderr) == (0, "")
    assert "recidive      BANNED   192.0.2.66" in played.stdout
    assert "192.0.2.80" not in "".join(line for line in played.stdout.splitlines() if "BANNED" in line)
    assert "To: mail@example.com" in played.stdout
    assert "The firewall" not in played.stdout
    assert "On this host:" in played.stdout


@pytest.mark.system
def test_in_namespaces_all_of_it_is_real(home: dict[str, str]) -> None:
    """Connections are refused and admitted, the sets hold who was banned, and stop leaves no rule."""
    played = subprocess.run([*DEMO, "--quick"], env=home, capture_output=True, text=True, timeout=60, check=False)

    assert (played.returncode, played.stderr) == (0, "")
    assert "198.51.100.7        at port 22: dropped" in played.stdout
    assert "198.51.100.7        at port 80: open" in played.stdout
    assert "The firewall" in played.stdout
    assert "no rule left behind" in played.stdout
    assert "EXAMPLE-NET" in played.stdout


@pytest.mark.parametrize("options", [["--observe"], pytest.param([], marks=pytest.mark.system)])
def test_an_interrupted_play_cleans_up(home: dict[str, str], options: list[str]) -> None:
    """Ctrl-C in the middle: the demo ends, and so does everything that it started."""
    play = subprocess.Popen(
        [*DEMO, *options], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert play.stdout is not None
    while "failure" not in play.stdout.readline():
        assert play.poll() is None
    offspring = descendants(play.pid)
    assert offspring

    play.send_signal(signal.SIGINT)

    _, complaint = play.communicate(timeout=30)
    assert (play.returncode, complaint) == (1, "")
    assert [pid for pid in offspring if Path(f"/proc/{pid}/exe").exists()] == []


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(deeper for child in children for deeper in descendants(child))]


def test_the_listing_is_cut_to_what_a_person_wants() -> None:
    """Each barred address has one line; sets that hold nobody are left out."""
    listing = """table inet sekisho {
\tset addr-set-sshd {
\t\ttype ipv4_addr
\t\telements = { 192.0.2.1 counter packets 1 bytes 60 timeout 59m59s532ms expires 59m56s836ms,
\t\t\t     192.0.2.2 counter packets 0 bytes 0 }
\t}

\tset addr6-set-sshd {
\t\ttype ipv6_addr
\t}

\tchain jail-sshd {
\t\tip saddr @addr-set-sshd drop
\t}
}"""

    assert render_rules(listing).splitlines() == [
        "addr-set-sshd           192.0.2.1 counter packets 1 bytes 60 expires 59m56s836ms",
        "addr-set-sshd           192.0.2.2 counter packets 0 bytes 0",
        "",
        "\tchain jail-sshd {",
        "\t\tip saddr @addr-set-sshd drop",
        "\t}",
    ]

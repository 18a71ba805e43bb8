"""What a host has, read beneath a root of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.cli.inventory import Inventory

FILES = (
    ("proc/12/comm", "nginx\n"),
    ("proc/13/comm", "proxmox-backup-\n"),
    ("proc/self/comm", "not-a-process\n"),
    ("usr/sbin/mariadbd", ""),
    ("usr/local/bin/gitea", ""),
    ("var/log/nginx/a.error.log", ""),
    ("var/log/nginx/b.error.log", ""),
    ("var/log/journal/0123/system.journal", ""),
    ("usr/lib/systemd/system/ssh.service", ""),
)


@pytest.fixture
def host(tmp_path: Path) -> Inventory:
    """A host with a little of everything."""
    for name, text in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Inventory(tmp_path)


def test_processes_are_known_by_the_name_that_the_kernel_keeps(host: Inventory) -> None:
    """Fifteen characters of it; what is no process' directory does not count."""
    assert host.find_process(("apache2", "nginx")) == "nginx"
    assert host.find_process(("proxmox-backup-proxy",)) == "proxmox-backup-proxy"
    assert host.find_process(("not-a-process",)) is None


def test_programs_are_found_where_programs_lie(host: Inventory) -> None:
    """The path is the one on that host."""
    assert host.find_program(("mysqld", "mariadbd")) == "/usr/sbin/mariadbd"
    assert host.find_program(("gitea",)) == "/usr/local/bin/gitea"
    assert host.find_program(("sshd",)) is None


def test_logs_are_found_by_their_globs(host: Inventory) -> None:
    """Named as on that host, in the order of the patterns."""
    found = host.find_logs(("/var/log/none.log", "/var/log/nginx/*error.log"))
    assert found == ["/var/log/nginx/a.error.log", "/var/log/nginx/b.error.log"]


def test_the_journal_has_what_is_installed_or_runs(host: Inventory) -> None:
    """A unit by its file, a program by its process."""
    assert host.find_in_journal(("_SYSTEMD_UNIT=sshd.service + _SYSTEMD_UNIT=ssh.service",)) == "ssh.service"
    assert host.find_in_journal(("_SYSTEMD_UNIT=none.service", "_COMM=nginx")) == "nginx"
    assert host.find_in_journal(("_SYSTEMD_UNIT=none.service + _COMM=none",)) is None


def test_without_a_journal_nothing_is_in_it(host: Inventory) -> None:
    """However many units there are."""
    (host.root / "var/log/journal/0123/system.journal").unlink()
    assert host.find_in_journal(("_SYSTEMD_UNIT=ssh.service",)) is None


def test_a_host_may_have_nothing(tmp_path: Path) -> None:
    """What is not there is no mistake."""
    host = Inventory(tmp_path)
    assert (host.find_process(("x",)), host.find_program(("x",)), host.find_logs(("/var/log/x",))) == (None, None, [])

"""`sekisho suggest`, for hosts that are made of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sekisho.cli.main import main
from sekisho.config.load import load

DEBIAN = {
    "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13"\n',
    "proc/7/comm": "sshd\n",
    "proc/8/comm": "nginx\n",
    "usr/sbin/mariadbd": "",
    "usr/lib/systemd/system/ssh.service": "",
    "var/log/journal/1/system.journal": "",
    "var/log/nginx/error.log": "",
    "var/log/nginx/access.log": "",
    "var/lib/squirrelmail/prefs/squirrelmail_access_log": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Debian host with sshd in the journal, nginx with its logs, MariaDB without one, and a webmail's log."""
    lay(tmp_path, DEBIAN)
    return tmp_path


def lay(root: Path, files: dict[str, str]) -> None:
    """Write files beneath a root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def call(root: Path, *words: str) -> int:
    """Call the command for a host; the exit status."""
    return main(["suggest", "--root", str(root), *words])


def test_a_host_gets_the_jails_of_what_it_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason for each; nothing for what is not there, and nothing is written."""
    assert call(root) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# Suggested by `sekisho suggest` for Debian GNU/Linux 13."
    jails = {line[1:-1] for line in lines if line.startswith("[")}
    assert {"sshd", "nginx-http-auth", "squirrelmail", "recidive"} <= jails
    assert not {"mysqld-auth", "postfix", "apache-auth", "pam-generic", "pass2allow-ftp"} & jails
    assert "# OpenSSH 6 to 10: sshd runs; reads the journal (ssh.service)" in lines
    assert any(
        "mysqld-auth (MySQL and MariaDB): /usr/sbin/mariadbd is installed, but none of" in line for line in lines
    )
    assert not (root / "etc/sekisho").exists()


def test_what_is_printed_can_be_used(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a jail.local it loads, without a word against it."""
    call(root)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/jail.local").write_text(capsys.readouterr().out)
    found = load(tmp_path / "tree")
    assert found.problems == ()
    assert {"sshd", "nginx-http-auth", "recidive"} <= set(found.enabled)


def test_write_makes_a_jail_local_where_there_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the directory that the server will take; there is nothing left to write then."""
    assert call(root, "--write") == 0
    path = root / "etc/sekisho/jail.local"
    assert capsys.readouterr().out.startswith(f"{path} is written; ")
    text = path.read_text()
    assert "[sshd]\nenabled = true\n" in text
    assert call(root, "--write") == 1
    assert "there is nothing to write" in capsys.readouterr().err
    assert path.read_text() == text


def test_write_leaves_the_jail_local_of_the_administrator(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes beside it, where jail.local wins; what is enabled there is not suggested again."""
    mine = "[sshd]\nenabled = true\n[nginx-http-auth]\nmaxretry = 2\n"
    lay(root, {"etc/fail2ban/jail.local": mine})
    assert call(root, "--write") == 0
    capsys.readouterr()
    assert (root / "etc/fail2ban/jail.local").read_text() == mine
    text = (root / "etc/fail2ban/jail.d/suggested.conf").read_text()
    assert "Enabled already: sshd." in text
    assert "[sshd]" not in text
    found = {jail.name: jail for jail in load(root / "etc/fail2ban").jails}
    assert found["nginx-http-auth"].maxretry == 2


def test_a_file_of_before_is_not_overwritten(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may have been edited since; the message says what to do."""
    lay(root, {"etc/sekisho/jail.local": "", "etc/sekisho/jail.d/suggested.conf": "# mine\n"})
    assert call(root, "--write") == 1
    assert "suggested.conf exists, and is left as it is" in capsys.readouterr().err
    assert (root / "etc/sekisho/jail.d/suggested.conf").read_text() == "# mine\n"


def test_the_system_decides_where_logs_are_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On Alpine sshd logs to the one file that there is."""
    lay(tmp_path, {"etc/os-release": "ID=alpine\n", "proc/7/comm": "sshd\n", "var/log/messages": ""})
    assert call(tmp_path) == 0
    assert "# OpenSSH 6 to 10: sshd runs; reads /var/log/messages\n" in capsys.readouterr().out


def test_a_host_without_services_gets_no_jail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even recidive, with nobody to feed it."""
    assert call(tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["jails"], found["left_out"], found["enabled"], found["written"]) == ([], [], [], None)


def test_programs_get_a_document(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With system, reasons, what is left out, and where it was written."""
    assert call(root, "--json", "--write") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["system"] == {"name": "Debian GNU/Linux 13", "paths": "paths-debian.conf", "is_known": True}
    (sshd,) = [each for each in found["jails"] if each["jail"] == "sshd"]
    assert (sshd["why"], sshd["reads"]) == ("sshd runs", "the journal (ssh.service)")
    assert {each["jail"]: each["why"] for each in found["left_out"]}["mysqld-auth"] == "/usr/sbin/mariadbd is installed"
    assert found["written"] == str(root / "etc/sekisho/jail.local")


def test_a_tree_with_mistakes_still_gets_suggestions(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A jail that cannot be understood is passed over, for check to tell."""
    lay(root, {"etc/sekisho/jail.local": "[sshd]\nlogpath = %(nosuch)s\n[nginx-http-auth]\nenabled = maybe\n"})
    assert call(root) == 0
    out = capsys.readouterr().out
    assert "[sshd]" not in out
    assert "[nginx-botsearch]" in out


def test_a_directory_that_is_not_there(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is a mistake of whoever named it."""
    assert call(root, "-c", str(root / "none")) == 1
    assert "there is no configuration directory" in capsys.readouterr().err

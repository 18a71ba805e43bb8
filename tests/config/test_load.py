"""From a directory to a Configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.config.conftest import Tree

from sekisho.config.load import ConfigError, find_directory, find_directory_or_stock, load, load_filter, load_server
from sekisho.model.specs import BackendSpec

SCENARIO = """
[DEFAULT]
backend = systemd ; lire le journal — 記録
ignoreip = 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ; niemals sperren: später
bantime = 3600 ; seconds
findtime = 300
maxretry = 3
destemail = mail@example.com
sender = fail2ban@example.com
action = %(action_mw)s ; ban, and mail the whois report
[sshd]
enabled = true
port = ssh
[proftpd]
enabled = true
port = ftp,ftp-data,ftps,ftps-data
[postfix]
enabled = true
port = smtp,465,submission
[dovecot]
enabled = true
port = pop3,pop3s,imap,imaps,submission,465,sieve
[postfix-sasl]
enabled = true
port = smtp,465,submission,imap3,imaps,pop3,pop3s
[recidive]
enabled = true
backend = auto
logpath = /var/log/fail2ban.log
bantime = 604800
findtime = 86400
maxretry = 5
"""


def test_the_scenario_is_understood_whole(tree: Tree) -> None:
    """An administrator writes one file and gets six jails, and not one complaint (DESIGN section 1)."""
    found = load(
        tree(
            {
                "jail.local": SCENARIO,
                "action.d/iptables-common.local": "[Init]\nblocktype = DROP\n",
                "filter.d/proftpd.conf": "[Init]\njournalmatch = _SYSTEMD_UNIT=proftpd.service\n",
            }
        )
    )
    assert found.problems == ()
    assert not found.broken
    jails = {jail.name: jail for jail in found.jails}
    assert list(jails) == ["sshd", "proftpd", "postfix", "postfix-sasl", "dovecot", "recidive"]
    for name in ("sshd", "proftpd", "postfix", "postfix-sasl", "dovecot"):
        jail = jails[name]
        assert jail.backend == BackendSpec("systemd")
        assert jail.filter.failregex
        assert (jail.maxretry, jail.maxmatches, jail.findtime, jail.bantime) == (3, 3, 300, 3600)
        assert jail.ignoreip == ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
        assert [action.name for action in jail.actions] == ["nftables", "sendmail-whois"]
    assert jails["proftpd"].journalmatch == ("_SYSTEMD_UNIT=proftpd.service",)
    assert jails["postfix-sasl"].filter.name == "postfix"
    assert jails["postfix-sasl"].filter.options["mode"] == "auth"
    firewall, mail = jails["postfix-sasl"].actions
    assert firewall.native == "nftables"
    assert firewall.properties["port"] == "smtp,465,submission,imap3,imaps,pop3,pop3s"
    assert (mail.properties["dest"], mail.properties["sender"]) == ("mail@example.com", "fail2ban@example.com")
    recidive = jails["recidive"]
    assert (recidive.backend.name, recidive.findtime, recidive.bantime) == ("auto", 86400, 604800)
    assert [path.pattern for path in recidive.logpaths] == ["/var/log/fail2ban.log"]
    assert recidive.actions[0].properties["type"] == "allports"


def test_iptables_with_its_common_local_drops(tree: Tree) -> None:
    """The scenario's `blocktype = DROP` reaches the commands."""
    found = load(
        tree(
            {
                "jail.local": "[sshd]\nenabled = true\nbanaction = iptables-multiport\n",
                "action.d/iptables-common.local": "[Init]\nblocktype = DROP\n",
            }
        )
    )
    action = found.jails[0].actions[0]
    assert (action.name, action.native, action.properties["blocktype"]) == ("iptables-multiport", None, "DROP")


def test_a_file_that_cannot_be_understood_breaks_the_tree(tree: Tree) -> None:
    """Nobody can tell what was left unsaid; every such mistake is told, with file and line."""
    found = load(tree({"jail.local": "[a]\nx = 1\nx = 2\nbare\n", "fail2ban.local": "[DEFAULT]\nloglevel = NOTICE\n"}))
    assert found.broken
    assert found.jails == ()
    assert found.server.loglevel == "NOTICE"
    assert [problem.origin.line for problem in found.problems if problem.origin] == [3, 4]
    assert load(Path("/nonexistent/directory")).broken


def test_the_server_is_read_alone(tree: Tree) -> None:
    """The client finds the socket though the jails are broken, and the command line wins."""
    directory = tree({"jail.local": "nonsense\n", "fail2ban.local": "[Definition]\nsocket = /run/a.sock\n"})
    assert load_server(directory).socket == "/run/a.sock"
    assert load_server(directory, overrides={"socket": "/run/b.sock"}).socket == "/run/b.sock"


def test_the_server_is_read_without_heavy_imports() -> None:
    """The client starts in well under 100 ms (DESIGN section 3)."""
    program = (
        "import sys; from pathlib import Path; from sekisho.config.load import load_server;"
        "load_server(Path('/nonexistent'));"
        "print([name for name in ('asyncio', 'rich', 'hyperscan', 'msgspec', 'difflib', 'sekisho.config.jails',"
        " 'sekisho.match', 'sekisho.scan') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_filter_is_loaded_by_name_or_path(tree: Tree, tmp_path: Path) -> None:
    """For `sekisho match`: with arguments in the name, over which options win; from the stock alone as well."""
    directory = tree(
        {
            "filter.d/f.conf": "[INCLUDES]\nbefore = inc.conf\n[Definition]\nfailregex= <mode> <logtype> <in> <HOST>\n",
            "filter.d/inc.conf": "[Init]\nin = I\nmode = none\n",
        }
    )
    assert load_filter(directory, "f", {}).failregex == ("none file I <HOST>",)
    assert load_filter(directory, "f[mode=a, in=J]", {"mode": "b"}, journal=True).failregex == ("b journal J <HOST>",)
    by_path = load_filter(None, str(tmp_path / "filter.d" / "f.conf"), {"mode": "p"})
    assert by_path.failregex == ("p file I <HOST>",)
    assert load_filter(None, "sshd", {"mode": "aggressive"}).failregex
    with pytest.raises(ConfigError, match=r"there is no filter 'shd'.*did you mean 'sshd'"):
        load_filter(None, "shd", {})
    with pytest.raises(ConfigError, match="unexpected option syntax"):
        load_filter(None, "sshd[x=1]y", {})
    with pytest.raises(ConfigError, match="there is no filter"):
        load_filter(None, "./nowhere.conf", {})


def test_the_directory_is_the_one_named_or_the_first_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-c DIR`, else /etc/sekisho, else /etc/fail2ban; none is an error that says what to do."""
    ours, theirs = tmp_path / "sekisho", tmp_path / "fail2ban"
    monkeypatch.setattr("sekisho.config.load.DIRECTORIES", (ours, theirs))
    with pytest.raises(ConfigError, match=r"neither .* exists"):
        find_directory(None)
    theirs.mkdir()
    assert find_directory(None) == theirs
    ours.mkdir()
    assert find_directory(None) == ours
    assert find_directory(str(theirs)) == theirs
    with pytest.raises(ConfigError, match="there is no configuration directory"):
        find_directory(str(tmp_path / "other"))


def test_a_directory_that_we_may_not_enter_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's `fail2ban-client` says so, and does not break off."""

    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", forbidden)
    for name in ("/root/conf", None):
        with pytest.raises(ConfigError, match="there is no configuration directory"):
            find_directory(name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "[DEFAULT]",
                "[a]",
                "[sshd]",
                "enabled = true",
                "enabled = true port = 1",
                "  action = x",
                "action = %(action_mw)s",
                "filter = a[b",
                "filter = %(filter)s",
                "logpath = /a /b",
                "bantime = ((",
                "backend = [",
                "%",
                "port = %(known/port)s",
                "ignoreip = /",
                "usedns = \0",
            ]
        )
    )
)
def test_no_tree_is_so_wrong_that_loading_fails(tmp_path: Path, lines: list[str]) -> None:
    """Whatever an administrator writes, there is a Configuration, and every problem can be printed."""
    (tmp_path / "jail.local").write_text("\n".join(lines))
    found = load(tmp_path)
    assert all(str(problem) for problem in found.problems)
    assert not (found.broken and found.jails)


def test_without_a_directory_there_is_the_stock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unless one was named, which must exist."""
    monkeypatch.setattr("sekisho.config.load.DIRECTORIES", (tmp_path / "none", tmp_path / "nowhere"))
    assert find_directory_or_stock(None) is None
    with pytest.raises(ConfigError, match="there is no configuration directory"):
        find_directory_or_stock(str(tmp_path / "none"))

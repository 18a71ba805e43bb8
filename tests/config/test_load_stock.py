"""The stock configuration: every jail, every shortcut for actions, and where each system's services log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.brackets import parse_brackets
from sekisho.config.files import STOCK, Files
from sekisho.config.interpolate import Scope
from sekisho.config.jails import JailFiles
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, load, load_filter
from sekisho.match.filter import compile_filter

JAILS = frozenset(
    {
        *("sshd", "dropbear", "selinux-ssh", "apache-auth", "apache-badbots", "apache-noscript", "apache-overflows"),
        *("apache-nohome", "apache-botsearch", "apache-fakegooglebot", "apache-modsecurity", "apache-shellshock"),
        *("openhab-auth", "nginx-http-auth", "nginx-limit-req", "nginx-botsearch", "nginx-bad-request"),
        *("nginx-forbidden", "php-url-fopen", "suhosin", "lighttpd-auth", "roundcube-auth", "openwebmail", "horde"),
        *("groupoffice", "sogo-auth", "tine20", "drupal-auth", "guacamole", "monit", "webmin-auth", "froxlor-auth"),
        *("squid", "3proxy", "proftpd", "pure-ftpd", "gssftpd", "wuftpd", "vsftpd", "assp", "courier-smtp"),
        *("postfix", "postfix-rbl", "sendmail-auth", "sendmail-reject", "qmail-rbl", "dovecot", "sieve"),
        *("solid-pop3d", "exim", "exim-spam", "kerio", "courier-auth", "postfix-sasl", "perdition", "squirrelmail"),
        *("cyrus-imap", "uwimap-auth", "named-refused", "nsd", "asterisk", "freeswitch", "znc-adminlog"),
        *("mysqld-auth", "mssql-auth", "mongodb-auth", "recidive", "pam-generic", "xinetd-fail", "stunnel"),
        *("ejabberd-auth", "counter-strike", "softethervpn", "gitlab", "grafana", "bitwarden", "centreon", "nagios"),
        *("oracleims", "directadmin", "portsentry", "pass2allow-ftp", "murmur", "screensharingd"),
        *("haproxy-http-auth", "slapd", "domino-smtp", "phpmyadmin-syslog", "routeros-auth", "zoneminder"),
        *("traefik-auth", "openvpn", "scanlogd", "monitorix", "dante", "proxmox", "vaultwarden", "xrdp", "cowrie"),
    }
)
"""The names that people have in their jail.local (COMPAT 11.3); others may join them, and need no row here."""

SHORTCUTS = (
    *("action_", "action_mw", "action_mwl", "action_xarf", "action_cf_mwl"),
    *("action_blocklist_de", "action_abuseipdb"),
)

SYSTEMS: Mapping[str, Mapping[str, str]] = {
    "common": {"sshd_log": "/var/log/auth.log", "mysql_backend": "auto", "suhosin_log": "/var/log/messages"},
    "debian": {"postfix_log": "/var/log/mail.log", "postfix_backend": "systemd", "wuftpd_log": "/var/log/syslog"},
    "fedora": {"sshd_log": "/var/log/secure", "dovecot_log": "/var/log/maillog", "syslog_backend": "systemd"},
    "arch": {"exim_main_log": "/var/log/exim/main.log", "apache_error_log": "/var/log/httpd/*error_log"},
    "opensuse": {"solidpop3d_log": "/var/log/mail", "apache_access_log": "/var/log/apache2/*access_log"},
    "alpine": {"sshd_log": "/var/log/messages", "postfix_log": "/var/log/messages", "syslog_backend": "auto"},
    "freebsd": {"banaction": "pf", "proftpd_log": "/var/log/xferlog", "nginx_error_log": "/var/log/nginx/error.log"},
    "osx": {"banaction_allports": "pf[actiontype=<allports>]", "sshd_log": "/var/log/secure.log", "syslog_user": ""},
}
"""A few values of each system that differ from the others', or come by way of another variable (COMPAT 11.4)."""

FILES = Files(None)
STOCK_JAILS = merge(FILES, "jail")


def filter_of(jail: str) -> str:
    """Return the name of the filter that a stock jail asks for."""
    text = Scope(STOCK_JAILS, jail, constants=constants_of(None)).expand("filter")
    assert text is not None
    return parse_brackets(text)[0]


ALL = JailFiles(FILES, STOCK_JAILS, {}).names()


def test_every_known_jail_is_there_and_off() -> None:
    """Nobody's `[name] enabled = true` finds nothing behind it, and nothing runs unasked."""
    assert sorted(JAILS - set(ALL)) == []
    assert [name for name in ALL if "enabled" in STOCK_JAILS.sections[name]] == []


@pytest.mark.parametrize("jail", ALL)
def test_every_jail_has_its_filter(jail: str) -> None:
    """The filter is shipped."""
    assert filter_of(jail) in FILES.names("filter.d")


@pytest.mark.parametrize("name", sorted(FILES.names("filter.d")))
def test_every_filter_of_text_reads_a_containers_log(name: str) -> None:
    """Its expressions hold where nothing stands in front of a line, and each still tells whom it concerns."""
    plain, wrapped = (load_filter(None, name, options) for options in ({}, {"logformat": "docker"}))
    assert len(compile_filter(wrapped).rules) == len(plain.failregex)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("mta", ["sendmail", "mail"])
def test_every_jail_loads_with_every_shortcut(tmp_path: Path, shortcut: str, mta: str) -> None:
    """What is shipped has no mistake of its own."""
    (tmp_path / "jail.local").write_text(f"[DEFAULT]\nenabled = true\nmta = {mta}\naction = %({shortcut})s\n")
    found = load(tmp_path)
    assert found.problems == ()
    assert {jail.name for jail in found.jails} == set(ALL)


def test_actions_with_two_protocols_have_two_names(tmp_path: Path) -> None:
    """A name server's jail closes its port over TCP and UDP, by an action each (COMPAT 1.5, 11.3)."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "nsd.conf").write_text("[Definition]\nfailregex = ^from <HOST>$\n")
    (tmp_path / "jail.local").write_text("[nsd]\nenabled = true\n")
    (jail,) = load(tmp_path).jails
    seen = [(each.actname, each.properties["protocol"], each.properties["port"]) for each in jail.actions]
    assert seen == [("nftables-tcp", "tcp", "53"), ("nftables-udp", "udp", "53")]


def test_a_secret_page_opens_the_ports_of_ftp(tmp_path: Path) -> None:
    """Whoever is found is let through, all others are not; the ban ends by a rule that must be there to go."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "apache-pass.conf").write_text(
        "[Definition]\nfailregex = ^<HOST> <knocking_url>$\n[Init]\nknocking_url = /\n"
    )
    (tmp_path / "jail.local").write_text("[pass2allow-ftp]\nenabled = true\nknocking_url = /mine/\n")
    (jail,) = load(tmp_path).jails
    assert jail.filter.failregex == ("^<HOST> /mine/$",)
    (action,) = jail.actions
    assert action.native is None
    assert "-j RETURN" in action.properties["actionban"]
    assert "-j DROP" in action.properties["actionstart"]
    assert action.properties["actionstart_on_demand"] == "false"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_paths_of_every_system_are_complete(tree: Tree, system: str) -> None:
    """A tree of one's own may include any of them: every variable has a value, and the system's own ones theirs."""
    stock = f"[INCLUDES]\nbefore = paths-{system}.conf\n[DEFAULT]\nbackend = auto\n[j]\n"
    directory = tree({"jail.conf": stock})
    merged = merge(Files(directory), "jail")
    values = {name: Scope(merged, "j").expand(name) or "" for name in merged.sections["DEFAULT"]}
    used = set(re.findall(r"%\((\w+_(?:log|backend|local0|authpriv|daemon|user|mail))\)s", STOCK_TEXT))
    assert used <= values.keys()
    assert {name: values[name].partition("\n")[0] for name in SYSTEMS[system]} == SYSTEMS[system]
    assert all("%(" not in text for text in values.values())


STOCK_TEXT = (STOCK / "jail.conf").read_text()


def test_the_system_at_hand_chooses_its_paths(tree: Tree) -> None:
    """The stock jails read Fedora's logs on Fedora; paths of one's own lie over them there, too."""
    directory = tree(
        {
            "root/etc/os-release": "ID=fedora\n",
            "etc/jail.local": "[sshd]\nenabled = true\n",
            "etc/paths-fedora.local": "[DEFAULT]\nproftpd_log = /srv/ftp.log\n",
        }
    )
    merged = merge(Files(directory / "etc", root=directory / "root"), "jail")
    values = {name: Scope(merged, "sshd").expand(name) for name in ("sshd_log", "sshd_backend", "proftpd_log")}
    assert values == {"sshd_log": "/var/log/secure", "sshd_backend": "systemd", "proftpd_log": "/srv/ftp.log"}


def test_another_system_s_paths_are_a_line_of_jail_local(tmp_path: Path) -> None:
    """Without a jail.conf of one's own, and with paths of one's own over them."""
    (tmp_path / "jail.local").write_text(
        "[INCLUDES]\nbefore = paths-fedora.conf\n[sshd]\nenabled = true\nbackend = polling\n"
        "[proftpd]\nenabled = true\nbackend = polling\n"
    )
    (tmp_path / "paths-overrides.local").write_text("[DEFAULT]\nproftpd_log = /srv/ftp.log\n")
    found = load(tmp_path)
    assert found.problems == ()
    assert {jail.name: [log.pattern for log in jail.logpaths] for jail in found.jails} == {
        "sshd": ["/var/log/secure"],
        "proftpd": ["/srv/ftp.log"],
    }

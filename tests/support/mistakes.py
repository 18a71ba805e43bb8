"""Mistakes to plant in a tree: each is files of its own, and the one message that they must cause.

A jail reads `@LOG@`, which the test puts in. All of them can stand in one tree, beside the healthy jails of `HEALTHY`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEALTHY = """\
[DEFAULT]
backend = polling
action = observe

[sshd]
enabled = true
backend = polling
logpath = @LOG@

[shop]
enabled = true
logpath = @LOG@
action = nftables[port="http,https"]
"""
SHOP = "[Definition]\nfailregex = ^\\s*shop: refused <HOST>$\njournalmatch = _COMM=shop\n"


@dataclass(frozen=True, slots=True)
class Planted:
    """One mistake: its files by path, where it is told (`file:line`), and words of the message and of the remedy."""

    name: str
    files: dict[str, str]
    place: str
    words: str
    remedy: str
    severity: str = "warning"
    mode: int = 0o644


def jail(name: str, *lines: str, filter_: str = "", action: str = "") -> dict[str, str]:
    """Return the file of one enabled jail, a filter of its own beside it (`filter_`), an action (`action`)."""
    body = "\n".join([f"[{name}]", "enabled = true", *lines, ""])
    files = {f"jail.d/{name}.local": body}
    rules = filter_ or f"[Definition]\nfailregex = ^{name}: refused <HOST>$\njournalmatch = _COMM={name}\n"
    files |= {f"filter.d/{name}.conf": rules} if not any(line.startswith("filter") for line in lines) else {}
    return files | ({f"action.d/{name}.conf": action} if action else {})


READS = "logpath = @LOG@"

PLANTED = (
    Planted("joined", {"jail.d/joined.local": "[joined]\nenabled = true port = ssh\n"},
            "jail.d/joined.local:2", "another option stands on the same line", "on a line of its own", "error"),
    Planted("ghost", jail("ghost", "filter = sshdd", READS),
            "jail.d/ghost.local:3", "there is no filter 'sshdd'", "'sshd'", "error"),
    Planted("undone", jail("undone", READS, "action = observ"),
            "jail.d/undone.local:4", "there is no action 'observ'", "'observe'", "error"),
    Planted("broad", jail("broad", READS, "ipv6_prefix = 0"),
            "jail.d/broad.local:4", "a prefix of IPv6 has 1 to 128 bits, not '0'", "64 for IPv6", "error"),
    Planted("soon", jail("soon", READS, "bantime = soon"),
            "jail.d/soon.local:4", "'bantime'", "600", "error"),
    Planted("perhaps", {"jail.d/perhaps.local": "[perhaps]\nenabled = maybe\n"},
            "jail.d/perhaps.local:2", "found 'maybe'", "write true or false", "error"),
    Planted("five", jail("five", READS, "maxretry = five"),
            "jail.d/five.local:4", "found 'five'", "whole number"),
    Planted("lost", jail("lost", READS, "ignoreip = %(nosuch)s"),
            "jail.d/lost.local:4", "%(nosuch)s", "set nosuch", "error"),
    Planted("percent", jail("percent", READS, "ignoreip = 100%"),
            "jail.d/percent.local:4", "lone %", "%%", "error"),
    Planted("engine", jail("engine", READS, "backend = sytemd"),
            "jail.d/engine.local:4", "unknown backend 'sytemd'", "'systemd'", "error"),
    Planted("paths", jail("paths", "logpath = @LOG@ @LOG@.1"),
            "jail.d/paths.local:3", "neither head nor tail", "line of its own", "error"),
    Planted("option", jail("option", READS, "maxretries = 3"),
            "jail.d/option.local:4", "unknown option 'maxretries'", "'maxretry'"),
    Planted("section", {"jail.d/section.local": "[sshdd]\nport = ssh\n"},
            "jail.d/section.local:1", "[sshdd] is a jail that nobody enables", "'sshd'"),
    Planted("word", jail("word", READS, filter_="[Definition]\nfailregex = ^w: no <HOST>$\nignoreregx = ^w: ok\n"),
            "filter.d/word.conf:3", "unknown option 'ignoreregx'", "'ignoreregex'"),
    Planted("header", jail("header", READS, filter_="[Definition]\nfailregex = ^head <HOST>$\n[Defintion]\nx = 1\n"),
            "filter.d/header.conf:3", "section [Defintion]", "'Definition'"),
    Planted("argument", jail("argument", "filter = sshd[publikey=any]", READS, "maxretry = 7"),
            "jail.d/argument.local:3", "knows no argument 'publikey'", "'publickey'"),
    Planted("parameter", jail("parameter", READS, "action = nftables[blocktyp=drop]"),
            "jail.d/parameter.local:4", "knows no argument 'blocktyp'", "'blocktype'"),
    Planted("ending", {"jail.d/ending.cfg": "[sshd]\nmaxretry = 1\n"},
            "jail.d/ending.cfg", "never read", "ending.local"),
    Planted("idle", {"action.d/iptables-common.local": "[Init]\nblocktype = DROP\n"},
            "action.d/iptables-common.local", "no enabled jail uses action 'iptables-common'", "nftables.local"),
    Planted("stray", {"filter.d/ssdh.local": "[Definition]\nmaxlines = 1\n"},
            "filter.d/ssdh.local", "no enabled jail uses filter 'ssdh'", "'sshd'"),
    Planted("silent", jail("silent", "logpath = /nowhere/at/all.log"),
            "jail.d/silent.local:3", "no file matches logpath", "check the path"),
    Planted("everything", jail("everything", "backend = systemd",
                               filter_="[Definition]\nfailregex = ^everything: refused <HOST>$\n"),
            "jail.d/everything.local:3", "no journalmatch", "_SYSTEMD_UNIT"),
    Planted("bare", jail("bare", READS, filter_="[Definition]\nfailregex = ^word for <HOST>$\n  ^\\d+ <HOST>$\n"),
            "filter.d/bare.conf:3", "failregex 2 of filter 'bare' holds no text", "contain a word"),
    Planted("loose", jail("loose", READS, filter_="[Definition]\nfailregex = refused login from <HOST>$\n"),
            "filter.d/loose.conf:2", "failregex 1 of filter 'loose' is not anchored", "begin it with ^"),
    Planted("crooked", jail("crooked", READS, filter_="[Definition]\nfailregex = ^refused (from <HOST>$\n"),
            "filter.d/crooked.conf:2", "Unable to compile", "mend the filter", "error"),
    Planted("twice", jail("twice", READS, filter_="[Definition]\nfailregex = ^a <HOST>$\nfailregex = ^b <HOST>$\n"),
            "filter.d/twice.conf:3", "already exists", "keep one of the two", "error"),
    Planted("latin", jail("latin", READS, filter_="[Definition]\n# ma\udce7on\nfailregex = ^a <HOST>$\n"),
            "filter.d/latin.conf", "not UTF-8", "save the file as UTF-8", "error"),
    Planted("port", jail("port", READS, "port = ssh,imapz", "action = nftables[port='%(port)s']"),
            "jail.d/port.local:4", "port 'imapz' is known neither", "'imap'"),
    Planted("program", jail("program", READS, "action = program",
                            action="[Definition]\nactionban = no-such-program <ip>\n"),
            "jail.d/program.local:4", "runs 'no-such-program'", "install it"),
    Planted("open", jail("open", READS), "filter.d/open.conf", "everybody may write", "chmod o-w", mode=0o666),
    Planted("pathless", jail("pathless", READS, "backend = systemd"),
            "jail.d/pathless.local:3", "backend is systemd", "leave logpath out"),
    Planted("itself", jail("itself", READS, "ignoreself = false"),
            "jail.d/itself.local:4", "may bar itself", "127.0.0.0/8"),
    Planted("nobody", jail("nobody", READS, "ignoreip = 192.0.2.1", "  0.0.0.0/0"),
            "jail.d/nobody.local:5", "nobody is ever banned", "own networks"),
    Planted("cache", jail("cache", READS, "ignorecache = key='<ip>'"),
            "jail.d/cache.local:4", "no ignorecommand", "set ignorecommand"),
    Planted("twin", jail("twin", "filter = shop", READS),
            "jail.d/twin.local:2", "of jail 'shop'", "disable one"),
)  # fmt: skip


def plant(directory: Path, log: Path, planted: Iterable[Planted]) -> None:
    """Write the healthy tree and these mistakes into `directory`; a lone surrogate becomes the byte that it is."""
    files = {"jail.local": HEALTHY, "filter.d/shop.conf": SHOP}
    modes: dict[str, int] = {}
    for each in planted:
        files |= each.files
        modes[each.place.partition(":")[0]] = each.mode
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("@LOG@", str(log)).encode(errors="surrogateescape"))
        path.chmod(modes.get(name, 0o644))

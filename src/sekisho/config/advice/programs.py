"""The programs that an action's commands begin with, and whether this host has them. Pure but for the asking.

A command is a shell script; only its words in the place of a command are looked at, and only those that are written
out. What a variable or a tag of the moment will be is not known, and not complained about.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping

from sekisho.config.options import ACTION, Kind
from sekisho.config.survey import JailView, Part
from sekisho.model.problem import Problem, Severity

_COMMANDS = tuple(word for word, kind in ACTION.items() if kind is Kind.FREE)
_KEYWORDS = frozenset({"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "{", "}", "!", "time"})
_BUILTINS = frozenset(
    {
        *(".", ":", "[", "alias", "bg", "break", "builtin", "cd", "command", "continue", "declare", "echo"),
        *("eval", "exec", "exit", "export", "false", "fg", "getopts", "hash", "jobs", "kill", "let", "local", "printf"),
        *("pwd", "read", "readonly", "return", "set", "shift", "source", "test", "times", "trap", "true", "type"),
        *("ulimit", "umask", "unalias", "unset", "wait", "esac", "in"),
    }
)
_UNREADABLE = frozenset({"case", "for", "function", "select"})
_REDIRECTION = re.compile(r"\d*[<>]&[\d-]*|&>")
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
_PLAIN = re.compile(r"[\w./+-]+")
_TAG = re.compile(r"<([\w.-]+)>")
_PACKAGES: Mapping[str, str] = {
    "iptables": "iptables", "ip6tables": "iptables", "ipset": "ipset", "nft": "nftables", "mail": "bsd-mailx",
    "sendmail": "postfix or msmtp-mta", "whois": "whois", "curl": "curl", "wget": "wget", "jq": "jq", "ufw": "ufw",
    "firewall-cmd": "firewalld", "conntrack": "conntrack", "dig": "bind9-dnsutils", "ip": "iproute2",
    "logger": "bsdutils", "python3": "python3", "route": "net-tools",
}  # fmt: skip
"""Debian's packages of programs that actions use."""
_NATIVE = {"nftables": "nft", "ipset": "iptables"}
"""What a built-in action needs."""


def first_words(script: str) -> list[str]:
    """Return the words of a shell script that stand where a command does, each once; nothing for what is unclear."""
    lexer = shlex.shlex(_REDIRECTION.sub(" ", script), posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    found: dict[str, None] = {}
    expected, remark = True, False
    try:
        for token in lexer:
            remark = (remark or token.startswith("#")) and "\n" not in token
            if remark:
                continue
            if set(token) <= set(";&|()\n"):
                expected = True
            elif expected and token in _UNREADABLE:
                return []
            elif expected and token not in _KEYWORDS and not _ASSIGNMENT.fullmatch(token):
                found[token] = None
                expected = False
    except ValueError:  # a quote that is never closed: the shell will tell
        return []
    return list(found)


def programs_of(part: Part) -> list[str]:
    """Return the programs that an action runs, as far as they are written out."""
    spec = part.spec
    if spec is None:
        return []
    if spec.native is not None:
        return [_NATIVE[spec.native]] if spec.native in _NATIVE else []
    words = [word for name in _COMMANDS for word in first_words(spec.properties.get(name, ""))]
    programs = [program for word in words for program in _resolved(word, spec.properties)]
    return [word for word in dict.fromkeys(programs) if _PLAIN.fullmatch(word) and word not in _BUILTINS]


def _resolved(word: str, properties: Mapping[str, str]) -> list[str]:
    """The word, or for a tag that differs by address family the first word of each of its texts."""
    tag = _TAG.fullmatch(word)
    if tag is None:
        return [word]
    texts = [text for name, text in properties.items() if name == tag[1] or name.startswith(f"{tag[1]}?")]
    return [first for text in texts for first in first_words(text)[:1]]


def missing_programs(jail: JailView, has: Callable[[str], bool]) -> Iterator[Problem]:
    """Yield each program that an action of the jail needs and `has` does not find."""
    for part in jail.actions:
        for program in programs_of(part):
            if not has(program):
                package = _PACKAGES.get(program)
                remedy = f"install it: Debian has it in {package}" if package else "install it, or write its whole path"
                text = f"action {part.name!r} runs {program!r}, which is not in PATH"
                yield Problem(Severity.WARNING, text, jail.place("action"), jail.spec.name, remedy)

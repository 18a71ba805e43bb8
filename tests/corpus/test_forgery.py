"""Nobody can blame a bystander: fields that a stranger writes are filled with text that imitates the line.

What is tried is made of the samples and of the rules themselves (`support/forger`). Whatever the line then means, it
must not mean anybody but the offender; of a sample that means nobody, it must not mean the bystander.

What is written raw, line ends included, can be told apart by no expression: whoever writes line ends writes lines.
Where a service is known to do so, its filter says it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import pytest
from tests.corpus.test_corpus import LOGS, NOW, Sample, central_europe, stamp_of, stock_rules, told
from tests.support.forger import BYSTANDER, header_of, places_of, texts_for

from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import LineVerdict
from sekisho.match.matcher import Matcher

MOST = int(os.environ.get("SEKISHO_FORGERIES", "45"))
"""Texts tried in a place of a line; there are some hundreds."""


class Claim(NamedTuple):
    """Behind such text, in lines of a filter, a stranger can put nothing in which `never` is found; and why."""

    name: str
    behind: str
    never: str
    why: str


CLAIMS = (
    Claim("apache-badbots", r"^(?:\S+ )?[\da-f.:]+ $", BYSTANDER, "only mod_ident asks the client who it is"),
    Claim("apache-fakegooglebot", r"^(?:\S+ )?[\da-f.:]+ $", BYSTANDER, "only mod_ident asks the client who it is"),
    Claim("dovecot", r"-login: (?:Info: )?[A-Z]?$", "", "what happened, in Dovecot's words"),
    Claim("dovecot", r", rip=[^\s,<>]+, (?:lip=|$)", "", "Dovecot's: the user's name stands before it"),
    Claim("ejabberd-auth", r" for $", "\n", "a JID holds no line ends"),
    Claim("filterlog", "", "", "the packet filter's, all but the addresses"),
    Claim("horde", r" to \{$", "", "the mail server, as the configuration has it"),
    Claim("keycloak", r"\] \($", "", "a thread"),
    Claim("keycloak", r'=\\?"$', '"', "Keycloak escapes quotes in what it quotes"),
    Claim("mailu", r" login failed: \"$", "", "what Mailu's own authentication answered"),
    Claim("minecraft", r"INFO\]: $", r".{33}", "a player's name has sixteen characters at most"),
    Claim("minecraft", r"properties=\{$", "", "of the profile that the server made"),
    Claim("netfilter", "", "", "the kernel's, all but the addresses"),
    Claim("selinux-ssh", r'acct="$', r'["\' ]', "auditd would write it in hexadecimal"),
    Claim("sshd", r" Accepted \S+ for $", " ", "who gets in has an account, and accounts' names hold no blanks"),
    Claim("sshd", r" Failed \S+ for (?:\S+ user )?$", " ssh1: ruser ", "in no line that names no port but of SSH 1"),
    Claim("stalwart", r" listenerId = \"$", "", "the configuration's"),
    Claim("zimbra", r"^[\d ,:-]+(?:INFO|WARN)\s+\[$", "", "a thread"),
    Claim("sshd", r" ssh1: ruser $", r" port \d", "no line of SSH 1 ends so, and those of today do"),
)
"""What cannot be seen from the rules."""

__all__ = ["central_europe"]  # a fixture


class Reader:
    """A filter that reads line by line, each as if it were the first, but for the one `before` that it may lean on."""

    def __init__(self, compiled: CompiledFilter) -> None:
        self.compiled = compiled
        self._matcher = Matcher(compiled, jail="x")
        self._remembers = compiled.maxlines > 1 or (compiled.prefix is not None and "mlfid" in compiled.prefix.groups)

    def read(self, line: str, sample: Sample, before: Sample | None) -> LineVerdict:
        """What every rule says of a line, which came as the sample did."""
        if self._remembers:
            self._matcher = Matcher(self.compiled, jail="x")
            if before is not None and self.compiled.maxlines > 1:
                self._matcher.examine(before["line"], now=NOW, stamp=stamp_of(before), check_all=True)
        return self._matcher.examine(line, now=NOW, stamp=stamp_of(sample), check_all=True)


def whom(verdict: LineVerdict) -> set[object]:
    """Whom a line concerns, be it only as context."""
    return {told(hit, "host") for hit in verdict.hits} - {None, ""}


def models_of(name: str) -> list[str]:
    """Lines of a filter that count, whole and without their header, with the bystander as the offender."""
    models: dict[str, None] = {}
    for log in LOGS.values():
        for sample in log if log[0]["filter"] == name else ():
            host = sample["expect"].get("host")
            if sample["expect"]["match"] and host and host in sample["line"]:
                line = sample["line"].replace(host, BYSTANDER)
                models |= dict.fromkeys((line, line[header_of(line) :], line.partition("]: ")[2] or line))
    return list(models)


def forgeries(
    reader: Reader, sample: Sample, before: Sample | None, others: list[str]
) -> Iterator[tuple[str, set[object]]]:
    """The sample's line with each place filled in many ways, and whom it may concern then."""
    name, line = sample["filter"], sample["line"]
    verdict = reader.read(line, sample, before)
    truth = whom(verdict)
    offender = next((str(each) for each in truth if str(each) in line), None)
    if truth and offender is None:
        return
    choice = Random(line)  # a string seeds it alike everywhere
    for place in places_of(reader.compiled, line, verdict):
        claims = [each for each in CLAIMS if each.name == name and re.search(each.behind, line[: place.start])]
        for text in islice(texts_for(line, offender, place, others, choice), MOST):
            if not any(re.search(each.never, text) for each in claims):
                yield place.filled(line, text), truth


@pytest.mark.parametrize("name", sorted({log[0]["filter"] for log in LOGS.values()}))
def test_no_field_blames_a_bystander(name: str) -> None:
    """However a stranger's text imitates the rest of its line or another, nobody else is the one who failed."""
    others = models_of(name)
    blamed: dict[str, str] = {}
    for log in LOGS.values():
        if log[0]["filter"] != name:
            continue
        reader = Reader(stock_rules(log[0]).matcher.filter)
        if reader.compiled.record is not None:
            continue  # `test_forged_records`
        before = None
        for sample in log:
            for line, truth in forgeries(reader, sample, before, others):
                found = whom(reader.read(line, sample, before))
                if found - truth if truth else BYSTANDER in found:
                    blamed.setdefault(sample["line"], line)
            before = sample
    assert list(blamed.values())[:5] == []

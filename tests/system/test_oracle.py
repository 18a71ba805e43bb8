"""A line means to Sekisho what it means to Fail2ban: the same verdicts with the same filters, the same bans.

Debian's Fail2ban is asked with Debian's own filters, line by line: does the line count, by which failregex, whom does
it concern, when did it happen, is it mere context, is it ignored. What differs is a defect of Fail2ban's and stands
here by name: `GIVEN_UP`, `LOST_DATES`, `BY_POSITION`, `OTHERWISE`; docs/fail2ban.md tells the administrator.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support import crafted
from tests.support.crafted import FORMATS, NEW_YEAR, SUMMER
from tests.support.oracle import CORPUS, DEBIAN, ORACLE, Question, our_bans, their_bans, their_verdicts, unlike

pytestmark = [
    pytest.mark.system(needs=("fail2ban-regex",)),
    pytest.mark.skipif(not ORACLE.exists(), reason="shared/corpus is not beside this checkout"),
    pytest.mark.timeout(120),
]

CENTRAL_EUROPE = "CET-01CEST-02,M3.5.0,M10.5.0"
SAMPLES_NOW = 1124013600.0

GIVEN_UP = {("domino-smtp", 7): "Debian's expression backtracks without end on it; we never get to try it"}

REFUSED = [("exim", {"mode": "more"})]
"""Debian's filter has no such mode: both refuse it."""

LOST_DATES = {
    "syslog weekday": "%Z takes the weekday for the name of a zone that nobody knows, and the date is lost",
    "asctime": "the same",
    "asctime fraction": "the same",
    "iso zone": "where an earlier line had no zone behind a date at the same place, this one is not seen",
    "zone first": "whether the zone before a date is seen depends on which other dates were seen before",
    "zone name first": "the same",
    "zone PDT": "the same; and where a zone moves a date without a year over midnight, it is off by a day",
}
"""Kinds of date left out of the mixed logs, where Fail2ban's order of templates decides, and why."""

_FILES = sorted(path for path in (CORPUS / "visible").glob("*.jsonl"))


def _groups() -> list[tuple[str, str, bool, tuple[str, ...]]]:
    """The sample lines by file and options, where Debian has the filter."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for path in _FILES:
        for text in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(text)
            has_filter = (DEBIAN / "filter.d" / f"{record['filter']}.conf").exists()
            if has_filter and (record["filter"], record["options"]) not in REFUSED:
                key = record["filter"], json.dumps(record["options"], sort_keys=True), record["journal"]
                groups.setdefault(key, []).append(record["line"])
    return [(*key, tuple(lines)) for key, lines in groups.items()]


GROUPS = _groups()


@pytest.mark.parametrize(
    ("name", "options", "journal", "lines"), GROUPS, ids=[f"{each[0]}{each[1]}" for each in GROUPS]
)
def test_every_sample_means_the_same(
    tmp_path: Path, name: str, options: str, lines: tuple[str, ...], *, journal: bool
) -> None:
    """The shared samples, read with Debian's filters by both."""
    log = tmp_path / "samples.log"
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    question = Question(name, log, SAMPLES_NOW, json.loads(options), zone=CENTRAL_EUROPE, journal=journal)
    given_up = {each.lineno for each in their_verdicts(question) if each.matched is None}
    assert given_up == {number for where, number in GIVEN_UP if where == name}
    assert len(unlike(question)) == len(given_up)


# -- services

_SSHD = [
    *({"mode": mode} for mode in ("normal", "ddos", "extra", "aggressive")),
    *({"mode": "aggressive", "publickey": key} for key in ("any", "invalid", "ignore")),
]
_MAIL = [
    *(
        ("postfix", {"mode": mode})
        for mode in ["normal", "auth", "more", "rbl", "ddos", "extra", "errors", "aggressive"]
    ),
    *(("dovecot", {"mode": mode}) for mode in ("normal", "aggressive")),
    ("proftpd", {}),
]
_WEB = [
    *(("access", name) for name in ["apache-badbots", "apache-fakegooglebot", "apache-pass", "apache-shellshock"]),
    *(("access", name) for name in ["nginx-botsearch", "nginx-bad-request", "php-url-fopen", "traefik-auth"]),
    *(
        ("apache", name)
        for name in ["apache-auth", "apache-noscript", "apache-overflows", "apache-nohome", "apache-botsearch"]
    ),
    *(("nginx", name) for name in ["nginx-http-auth", "nginx-limit-req", "nginx-botsearch"]),
]


@pytest.mark.parametrize("options", _SSHD, ids=str)
def test_connections_to_sshd_mean_the_same(tmp_path: Path, options: dict[str, str]) -> None:
    """Sessions side by side, their lines drawn from all that sshd can say."""
    log = tmp_path / "auth.log"
    log.write_bytes(crafted.sessions(f"sshd {options}", lines=3000, until=SUMMER))
    assert unlike(Question("sshd", log, SUMMER, options)) == []


@pytest.mark.parametrize(("name", "options"), _MAIL, ids=str)
def test_mail_means_the_same(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    """A mail server at work, with every mode of its filters."""
    log = tmp_path / "mail.log"
    log.write_bytes(crafted.sessions(f"{name} {options}", lines=2000, until=SUMMER, kind="mail"))
    assert unlike(Question(name, log, SUMMER, options)) == []


@pytest.mark.parametrize(("kind", "name"), _WEB)
def test_requests_mean_the_same(tmp_path: Path, kind: str, name: str) -> None:
    """A web server's access log, with dates in what clients ask for, and its error logs."""
    log = tmp_path / "web.log"
    log.write_bytes(crafted.requests(name, lines=1500, until=SUMMER, kind=kind))
    assert unlike(Question(name, log, SUMMER)) == []


@pytest.mark.parametrize("show", [crafted.syslog, crafted.iso])
def test_a_new_year_means_the_same(tmp_path: Path, show: crafted.Show) -> None:
    """Lines of the old year, read in the new one, in a zone that is already there."""
    log = tmp_path / "auth.log"
    log.write_bytes(crafted.sessions("new year", lines=2000, until=NEW_YEAR + 3600, show=show, span=40000))
    question = Question("sshd", log, NEW_YEAR + 3600, {"mode": "aggressive"}, zone=CENTRAL_EUROPE)
    assert unlike(question) == []


# -- dates

_APP = r"""
[Definition]
failregex = fail user=<F-USER>.*</F-USER> from <HOST>$
            ^<F-NOFAIL>x</F-NOFAIL> <HOST>
            soft user=<F-USER>.*</F-USER> from <ADDR>$
ignoreregex = user=git
"""
USUAL = tuple(name for name in FORMATS if name not in LOST_DATES)


def app_filter(tmp_path: Path, *more: str) -> str:
    """An administrator's own filter, as a file; its options beyond those of `_APP`."""
    path = tmp_path / "app.conf"
    path.write_text(_APP + "\n".join(more) + "\n")
    return str(path)


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_date_means_the_same(tmp_path: Path, name: str) -> None:
    """Each with dates that are wrong or missing and with bytes that are no text; then framed by other characters."""
    log = tmp_path / "app.log"
    log.write_bytes(crafted.zoo(name, lines=400, until=SUMMER, formats=[name]))
    assert unlike(Question(app_filter(tmp_path), log, SUMMER)) == []
    if name in LOST_DATES:
        return
    log.write_bytes(crafted.zoo(name, lines=400, until=SUMMER, formats=[name], framed=True))
    assert unlike(Question(app_filter(tmp_path), log, SUMMER)) == []
    log.write_bytes(crafted.zoo(name, lines=200, until=NEW_YEAR + 40000, formats=[name], span=200000))
    assert unlike(Question(app_filter(tmp_path), log, NEW_YEAR + 40000, zone=CENTRAL_EUROPE)) == []


@pytest.mark.parametrize("framed", [False, True], ids=["at the start", "anywhere"])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_dates_of_all_kinds_in_one_log_mean_the_same(tmp_path: Path, seed: str, *, framed: bool) -> None:
    """The choice of the template follows the habits of the log as Fail2ban's does."""
    log = tmp_path / "app.log"
    log.write_bytes(crafted.zoo(seed, lines=2000, until=SUMMER, formats=USUAL, framed=framed))
    assert unlike(Question(app_filter(tmp_path), log, SUMMER)) == []


PATTERNS = (
    "{^LN-BEG}", "{DEFAULT}", "{NONE}", "{DATE}", "ts={DATE}", "^(ts={DATE} )", "{^LN-BEG}{DATE}", "^{DATE}",
    r"\[{DATE}\]", r"^\[({DATE})\] srv", "{UNB}{DATE}", "Epoch", "{^LN-BEG}Epoch", "^Epoch", "LEPOCH", "{EPOCH}",
    "^ts={EPOCH}", "TAI64N", "^%Y-%m-%d %H:%M:%S", "{^LN-BEG}%Y-%m-%d %H:%M:%S", "{UNB}%Y-%m-%d %H:%M:%S",
    "**%Y-%m-%d %H:%M:%S**", "%ExY-%Exm-%Exd %ExH:%ExM:%ExS", "%d/%b/%Y:%H:%M:%S(?: %z)?", "%b %d %H:%M:%S", "%H:%M:%S",
    "%y%m%d  ?%H:%M:%S",
    "%Y%m%d", "%m/%d/%Y:%H:%M:%S\n  Epoch", "%b %d, %Y %I:%M:%S %p", "%j %H:%M", "^%a %b %d %H:%M:%S %Y", "^%Y", "%c",
    "%x %X", "%Y/%m/%d %H:%M:%S\n  {^LN-BEG}%b %d %H:%M:%S\n  {NONE}", "%Y-%m-%d %H:%M:%S$",
)  # fmt: skip

BY_POSITION = {
    "{DATE}": "looks first where the last date was, and takes what fits there: 10:00:00 of Feb 29 10:00:00",
    "{UNB}{DATE}": "the same",
    "Epoch": "the same: a number loses its fraction where the last one had none",
}
"""Patterns that Fail2ban finds elsewhere than they say when dates change their place: asked at one place only."""


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_form_of_date_pattern_means_the_same(tmp_path: Path, pattern: str) -> None:
    """An administrator's `datepattern` over dates of all kinds, most of which it does not know."""
    log = tmp_path / "app.log"
    plain = crafted.zoo("plain", lines=300, until=SUMMER, formats=USUAL)
    framed = crafted.zoo("framed", lines=600, until=SUMMER, formats=USUAL, framed=True)
    framed = b"" if pattern in BY_POSITION else framed
    log.write_bytes(plain + framed + b"@400000006a1b2c3d0000000a srv app: fail user=x from 192.0.2.1\n")
    doubled = pattern.replace("%", "%%")
    assert unlike(Question(app_filter(tmp_path, f"datepattern = {doubled}"), log, SUMMER)) == []


# -- the rest of a filter

_STORY = ("start {i}", "end {i} {ip}", "mid {i} {ip}", "noise", "noise {n}", "lone {ip}", "ok {ip}")
_OVER_LINES = {
    "skip lines": (r"^ ?start (\S+)<SKIPLINES> ?end \1 <HOST>$", r"^ ?lone <HOST>$"),
    "skip twice": (r"start (\S+)<SKIPLINES> ?mid \1 \S+<SKIPLINES> ?end \1 <HOST>$",),
    "a newline": (r"start (\S+)\n ?end \1 <HOST>$", "lone <HOST>"),
    "many": ("lone <HOST>$", r"mid \S+ <HOST>", r"end \S+ <HOST>", r"start \S+<SKIPLINES>.*ok <HOST>$"),
}


@pytest.mark.parametrize("maxlines", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("name", _OVER_LINES)
def test_expressions_over_lines_mean_the_same(tmp_path: Path, name: str, maxlines: int) -> None:
    """Buffers of several lengths: what a match uses up, what stays, and what an exception then takes away."""
    log, rules = tmp_path / "app.log", tmp_path / "app.conf"
    log.write_bytes(crafted.story(f"{name} {maxlines}", _STORY, lines=800, until=SUMMER))
    failregex = "\n    ".join(_OVER_LINES[name])
    rules.write_text(f"[Definition]\nmaxlines = {maxlines}\nfailregex = {failregex}\nignoreregex = noise 1\n")
    assert unlike(Question(str(rules), log, SUMMER)) == []


OTHERWISE = {
    "::": "1.0.2 has no tag that takes the unspecified address",
    "foo/bar": "as an id it ends 1.0.2 with a ValueError (COMPAT case 56)",
}
"""Hosts that are left out, and why."""
_HOSTS = (
    "localhost", "nohost.invalid", "192.0.2.1", "::1", "[2001:db8::1]", "1.2.3.400", "192.030.0.6", "a_b.invalid",
    "::ffff:192.0.2.1", "0x7f.1", "127.1", "1.2.3.4/24", "2001:db8::/32", "fe80::1%eth0", "1::", "12345", "-", "",
)  # fmt: skip
_TAGS = ("HOST", "ADDR", "DNS", "IP4", "IP6", "SUBNET", "F-ADDR/", "F-DNS/", "F-IP4/", "F-SUBNET/")


@pytest.mark.parametrize("dns", ["raw", "no", "warn", "yes"])
def test_every_tag_for_hosts_means_the_same(tmp_path: Path, dns: str) -> None:
    """Addresses, names, and what only looks like one, with the four ways to use the DNS."""
    log, rules = tmp_path / "app.log", tmp_path / "app.conf"
    lines = [f"{crafted.syslog(SUMMER - 60)} {tag} {host} port 2\n" for tag in _TAGS for host in _HOSTS]
    log.write_text("".join(lines))
    failregex = "\n    ".join(f"^ {tag} <{tag}> port" for tag in _TAGS)
    rules.write_text(f"[Definition]\nfailregex = {failregex}\n")
    assert unlike(Question(str(rules), log, SUMMER, extra=("--dns", dns))) == []


@pytest.mark.parametrize("number_of_rules", [1, 3, 4, 6])
def test_exceptions_come_at_the_same_time(tmp_path: Path, number_of_rules: int) -> None:
    """One exception to a few rules sees what prefregex leaves; to many rules, the whole line, and first."""
    log, rules = tmp_path / "app.log", tmp_path / "app.conf"
    log.write_bytes(crafted.zoo("exceptions", lines=300, until=SUMMER, formats=["syslog"]))
    failregex = "\n    ".join(
        ["fail user=.* from <HOST>$", "soft .* from <HOST>$", *["z <HOST>"] * 4][:number_of_rules]
    )
    prefix = "^ srv app: <F-CONTENT>.+</F-CONTENT>$"
    for exception in ("^ srv app: soft", "^soft", "user=(?:root|git)"):
        rules.write_text(f"[Definition]\nprefregex = {prefix}\nfailregex = {failregex}\nignoreregex = {exception}\n")
        assert unlike(Question(str(rules), log, SUMMER)) == []


# -- bans

_LIMITS = [(1, 600, 600), (3, 600, 600), (5, 300, 3600), (5, 600, -1), (2, 86400, 60), (8, 14400, 600)]


@pytest.mark.parametrize(("maxretry", "findtime", "bantime"), _LIMITS)
@pytest.mark.parametrize(("name", "mode"), [("sshd", "aggressive"), ("sshd", "normal"), ("postfix", "aggressive")])
def test_the_same_are_banned(tmp_path: Path, name: str, mode: str, maxretry: int, findtime: int, bantime: int) -> None:
    """Over two days of logs: who, when, after how many attempts, by which lines; and who is banned already."""
    log = tmp_path / "service.log"
    kind = "sshd" if name == "sshd" else "mail"
    log.write_bytes(crafted.sessions(f"bans {kind}", lines=10000, until=SUMMER, kind=kind, span=2 * 86400))
    question = Question(name, log, SUMMER, {"mode": mode})
    ours = our_bans(question, maxretry=maxretry, findtime=findtime, bantime=bantime)
    theirs = their_bans(question, maxretry=maxretry, findtime=findtime, bantime=bantime)
    # a first failure told by several lines keeps them all in Fail2ban, whatever maxmatches says
    assert ours == [each._replace(matches=each.matches[-maxretry:]) for each in theirs]
    assert ours


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252", "utf-16-le"])
def test_bytes_are_read_by_the_same_encoding(tmp_path: Path, encoding: str) -> None:
    """Who is banned, and on what evidence, where the log's bytes are not all text in that encoding."""
    log = tmp_path / "app.log"
    text = crafted.zoo("encoding", lines=500, until=SUMMER, formats=["iso"], wrong=0, dirty=0.2)
    log.write_bytes(text)
    question = Question(app_filter(tmp_path), log, SUMMER, encoding=encoding)
    ours, theirs = (ask(question, maxretry=1, findtime=600, bantime=0) for ask in (our_bans, their_bans))
    assert ours == theirs
    assert bool(ours) is (encoding != "utf-16-le")

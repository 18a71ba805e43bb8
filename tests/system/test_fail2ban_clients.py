"""Nobody can tell the difference: Debian's client and ours, each with Debian's server and with ours.

Each pair is told the same words in the same order, from an interactive session, and has to print the same. Both
servers are real daemons in network namespaces of their own, on the same configuration. What differs on purpose stands
here by name (`OTHERWISE`), and docs/fail2ban.md tells the administrator.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.fail2ban import CLIENTS, SERVERS, plain, running, say, tree

from sekisho.control.table import Unmet
from sekisho.control.words import TABLE, find

pytestmark = [pytest.mark.system(needs=("fail2ban-client", "fail2ban-server")), pytest.mark.timeout(240)]

SCENARIO = r"""
ping
ping 5
echo a b
status
status demo
status ddd short
status demo nosuch
status nojail
banned
banned 192.0.2.20
set demo banip 192.0.2.20 192.0.2.21
set demo banip 192.0.2.20
set demo banip 192.0.2.77 ::ffff:192.0.2.9 2001:DB8::1
set demo banip 198.51.100.0/24 192.0.2.1/33
set demo banip
banned
banned 192.0.2.20 2001:db8::1 192.0.2.254
get demo banned
get demo banned 192.0.2.20
get demo banned 192.0.2.20 192.0.2.254
get demo banip
get demo banip ,
get demo banip --with-time
status demo
set demo unbanip 192.0.2.20 192.0.2.254
set demo unbanip 192.0.2.20
set demo unbanip --report-absent 192.0.2.20
set demo unbanip
set demo unbanip 198.51.100.0/24
set demo addignoreip 10.0.0.0/8
get demo ignoreip
set demo delignoreip 10.0.0.0/8
set demo delignoreip 10.0.0.0/8
get ddd ignoreip
get demo ignoreself
set demo ignoreself false
get demo ignorecommand
set demo ignorecommand "/bin/false <ip>"
get demo ignorecache
set demo ignorecache 'key="<ip>", max-count=100, max-time=5m'
set demo ignorecommand ""
get demo bantime
set demo bantime 1h
set demo bantime 2.5
set demo bantime 1mo
set demo bantime abc
set demo findtime 10m
get demo findtime
set demo maxretry 4
set demo maxretry x
get demo maxretry
get demo maxmatches
set demo maxmatches 2
get demo maxlines
set demo maxlines 2
set demo maxlines 0
set demo maxlines 1
get demo usedns
set demo usedns warn
set demo usedns bogus
get demo logpath
get ddd logpath
set ddd dellogpath {dir}/demo2.log
set ddd addlogpath {dir}/demo2.log tail
set ddd addlogpath {dir}/nosuch.log
set demo logencoding ascii
set demo logencoding nosuch
get demo logencoding
get demo logtimezone
set demo logtimezone UTC+0200
set demo logtimezone Nowhere/City
get demo journalmatch
set demo addjournalmatch _A=1
set demo deljournalmatch _A=1
get demo failregex
set demo addfailregex "^ok (?P<fid>\S+)$"
set demo addfailregex "^nobody$"
set demo addfailregex "[a"
set demo delfailregex 1
set demo delfailregex 9
get demo ignoreregex
set demo addignoreregex foo
set demo delignoreregex x
set demo delignoreregex 1
get demo prefregex
set demo prefregex "^a<F-CONTENT>.*</F-CONTENT>$"
set demo prefregex ""
get demo datepattern
set demo datepattern "%Y-%m-%d"
set demo datepattern "{^LN-BEG}%ExY %H:%M:%S"
set demo datepattern "a%%b%d"
set demo datepattern EPOCH
set demo datepattern LEPOCH
set demo datepattern {NONE}
set demo datepattern ""
get demo bantime.factor
set demo bantime.increment true
set demo bantime.factor 2
set demo bantime.formula "ban.Time * 2"
set demo bantime.multipliers "1 2 4"
set demo bantime.maxtime 1w
set demo bantime.rndtime 5m
set demo bantime.overalljails true
get demo bantime.increment
get demo bantime.multipliers
get demo bantime.formula
get demo bantime.maxtime
get demo bantime.rndtime
get demo bantime.overalljails
set demo bantime.increment false
set demo idle on
set demo idle off
set demo idle maybe
set demo idle
get demo actions
get ddd actions
get demo actionproperties note
get demo actionmethods note
get ddd action note actionban
get ddd action note actionstart
get ddd action note timeout
get ddd action note actname
get ddd action note name
get ddd action nosuch actionban
get ddd action note
set ddd action note foo bar
get ddd action note foo
set ddd action note timeout 8
set ddd action note actionstart true
set ddd action note actionstop true
set ddd action note actioncheck true
set ddd action note actionunban true
set ddd action note actionban true
set ddd action note flush
set ddd action note reload
set ddd action note consistencyCheck
set ddd action note ban '{"aInfo": {"ip": "192.0.2.99"}}'
set ddd action note unban '{"aInfo": {"ip": "192.0.2.99"}}'
set ddd action note nosuch
set ddd action nosuch flush
get ddd action note actioncheck
get ddd action note actionstop
get ddd action note actionunban
set ddd addaction foo
set ddd addaction foo
get ddd actionproperties foo
get ddd actionmethods foo
set ddd delaction foo
set ddd delaction foo
set demo addaction mine {dir}/conf/action.d/mine.py '{"colour": "blue"}'
get demo actions
get demo actionproperties mine
get demo actionmethods mine
get demo action mine colour
set demo action mine colour green
set demo action mine paint '{"colour": "ab", "times": 2}'
set demo addaction other {dir}/conf/action.d/mine.py
set demo delaction mine
add web polling
status web
get web bantime
get web findtime
get web maxretry
get web maxmatches
get web usedns
get web ignoreself
get web ignoreip
get web failregex
get web logpath
get web actions
get web datepattern
set web addfailregex "^ x from (?P<fid>\S+)$"
set web addlogpath {dir}/demo2.log
set web addaction note
start web
start web
status web
stop web
add --all polling
add other nosuch
add
start demo
start nojail
stop nojail
set demo attempt 192.0.2.30
unban 192.0.2.254
unban 2001:db8::1
unban --all
unban --all
unban
set demo
set
get demo
get
set demo nosuch x
get demo nosuch
set nojail bantime 3
get loglevel
set loglevel DEBUG
set loglevel NOSUCH
set loglevel INFO
set logtarget {dir}/other.log
set logtarget /nosuch/dir/x.log
get logtarget
get syslogsocket
set syslogsocket /run/nosuch
set syslogsocket auto
flushlogs
get dbfile
set dbfile None
get dbmaxmatches
set dbmaxmatches 5
set dbmaxmatches x
get dbpurgeage
set dbpurgeage 2d
set dbpurgeage x
get thread
set allowipv6 yes
get allowipv6
sleep 0
server-status
version
nosuch
status demo x y
stop ddd
status
reload demo
reload --restart demo
reload --unban demo
restart demo
restart --unban --if-exists demo
reload demo x
reload nojail
reload
status
reload --unban --all
get demo maxretry
stop --all
status
set dbfile None
get dbfile
set dbmaxmatches 3
get dbpurgeage
set dbfile {dir}/other.db
get dbfile
reload
status
"""

OTHERWISE: Mapping[str, str] = {
    "version": "each its own",
    "get allowipv6": "ours tells it",
    'set demo ignorecommand ""': "an empty command is none, and shown as one that was never set",
}


def session(client: str, server: str, directory: Path) -> list[str]:
    """Return what a client prints at each line of the scenario."""
    conf = tree(directory)
    lines = [line.replace("{dir}", str(directory)) for line in SCENARIO.strip().splitlines()]
    with running(server, conf):
        printed = say(client, conf, "-i", typed="\n".join([*lines, "exit"]) + "\n").stdout
    _, *answers, _ = printed.split("fail2ban> ")
    assert len(answers) == len(lines), printed[-2000:]
    return [plain(answer, conf) for answer in answers]


def test_every_pair_of_client_and_server_says_the_same(tmp_path: Path) -> None:
    """Theirs with theirs is the measure; the three other pairs print the same at every word."""
    pairs = [(client, server) for client in CLIENTS for server in SERVERS]
    folders = {pair: tmp_path / "-".join(pair) for pair in pairs}
    for folder in folders.values():
        folder.mkdir()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        talks = {pair: pool.submit(session, *pair, folder) for pair, folder in folders.items()}
    told = {pair: talk.result() for pair, talk in talks.items()}
    differences = [
        f"{line}\n  theirs: {expected!r}\n  {client} client, {server} server: {found!r}"
        for (client, server), answers in told.items()
        for line, expected, found in zip(SCENARIO.strip().splitlines(), told["theirs", "theirs"], answers, strict=True)
        if expected != found and line not in OTHERWISE
    ]
    assert not differences, "\n".join(differences)


def _entries(text: str) -> list[str]:
    """Return the commands that a help lists: they begin in its fifth column, and what they do in its 46th."""
    listed = [line for line in text.partition("BASIC")[2].splitlines() if re.match(" {4}[a-z]", line)]
    return [(line[:45] if line[44:45] == " " else line).strip() for line in listed]


def _literals(entry: str) -> set[str]:
    """Return what of an entry is to be typed as it stands."""
    bare = re.sub(r"\[.*?\]|<\w+>|\S+\|\S+", " ", entry)
    return set(re.findall(r"(?:--)?[a-z]\w+", bare))


def test_every_word_of_the_real_help_is_in_the_scenario(tmp_path: Path) -> None:
    """It has a line for each command that Debian's client lists, save those that start or end the server, and help."""
    entries = _entries(say("theirs", tree(tmp_path), "--help").stdout)
    said = [set(line.split()) for line in SCENARIO.strip().splitlines()]
    elsewhere = ({"start"}, {"restart"}, {"stop"}, {"help"})
    assert len(entries) > 80
    assert not [
        entry
        for entry in entries
        if _literals(entry) not in elsewhere and not any(_literals(entry) <= line for line in said)
    ]


def test_every_word_of_our_table_is_in_the_scenario() -> None:
    """What is added to the table is said to Debian's programs too, or stands here with its reason."""
    met = set()
    for line in SCENARIO.strip().splitlines():
        with contextlib.suppress(Unmet):
            word, _ = find(shlex.split(line))
            met.add(word.path)
    only_ours = {"stats"}  # of Fail2ban 1.1
    only_ours |= {f"{verb} <JAIL> ipv{version}_prefix" for verb in ("get", "set") for version in (4, 6)}  # of ours
    ends = {"stop"}
    missing = {word.path for word in TABLE if not word.internal} - met - only_ours - ends
    assert not missing, missing


STATUSES = """
ping
status
status nojail
get demo maxretry
get demo nosuch
set demo bantime x
nosuch
start
reload demo
reload nojail
unban
-q ping
--str2sec 1h
--nosuch
-t
stop
ping
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_exit_statuses_are_the_same(client: str, tmp_path: Path) -> None:
    """One command line each, with both servers: 0 or 255 alike."""
    told: dict[str, dict[str, int]] = {}
    for server in SERVERS:
        (tmp_path / server).mkdir()
        conf = tree(tmp_path / server)
        with running(server, conf):
            told[server] = {line: say(client, conf, *line.split()).returncode for line in STATUSES.strip().splitlines()}
    assert told["ours"] == told["theirs"]
    assert set(told["ours"].values()) == {0, 255}

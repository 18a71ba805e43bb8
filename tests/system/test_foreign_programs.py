"""A program that nobody here wrote speaks to the socket itself: it gets from us what the real server gives it."""

from __future__ import annotations

import contextlib
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.support.fail2ban import ASIDE, SERVERS, running, tree
from tests.support.peers import peer

from sekisho.control.pickled import CLOSE, END

pytestmark = [pytest.mark.system(needs=("fail2ban-client", "fail2ban-server")), pytest.mark.timeout(120)]

WORDS = """
ping
ping 100
echo a b
server-status
status
status demo
status demo short
status nojail
banned
banned 192.0.2.1
set demo banip 192.0.2.20
set demo banip 192.0.2.21
set demo banip 192.0.2.20
status demo
banned
banned 192.0.2.20 1.2.3.4
get demo banned
get demo banned 192.0.2.20
get demo banned 192.0.2.20 1.2.3.4
get demo banip
get demo banip --with-time
get demo ignoreself
get demo ignorecommand
get demo ignorecache
get demo bantime
get demo findtime
get demo maxretry
get demo maxmatches
get demo maxlines
get demo usedns
get demo logpath
get demo logencoding
get demo ignoreregex
get demo prefregex
get demo datepattern
get demo logtimezone
get demo actions
get demo action nosuch key
get demo bantime.maxtime
get demo nosuch
get loglevel
get logtarget
get dbfile
get dbpurgeage
get dbmaxmatches
set demo bantime 1h
set demo maxretry 5
set demo maxretry x
set demo usedns no
set demo delignoreip 10.0.0.9
set demo attempt 192.0.2.78
set demo unbanip 192.0.2.20
set demo unbanip 192.0.2.20
set demo unbanip --report-absent 192.0.2.20
set nojail bantime 1
nosuch
set loglevel DEBUG
sleep 0
unban 192.0.2.21
unban --all
"""


class Foreign(pickle.Unpickler):
    """Reads answers without Fail2ban's modules: an exception is known by its name."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class that may not be here
        """Return text's own class, or an exception of that name."""
        return str if (module, name) == ("builtins", "str") else type(f"{module}.{name}", (Exception,), {})


def ask(path: Path, words: list[str], protocol: int) -> str:
    """Return the answer to words as its value and all types in it are written; times and places are left out."""
    with peer(str(path)) as sock:
        sock.sendall(pickle.dumps(words, protocol) + END)
        answer = b""
        while not answer.endswith(END):
            answer += sock.recv(65536)
        sock.sendall(CLOSE + END)
        assert sock.recv(1) == b""
    code, value = Foreign(io.BytesIO(answer.removesuffix(END))).load()
    if isinstance(value, Exception):
        value = (type(value).__name__, value.args)
    return ASIDE.sub("TIME", repr((code, value)).replace(str(path.parent), "DIR"))


def test_a_foreign_program_cannot_tell_the_difference(tmp_path: Path) -> None:
    """The same requests to both, on the socket itself: the same values in the same types, the same exceptions."""
    places = {whose: tmp_path / whose for whose in SERVERS}
    differences = []
    with contextlib.ExitStack() as stack:
        for whose, place in places.items():
            place.mkdir()
            stack.enter_context(running(whose, tree(place)))
        for number, line in enumerate(WORDS.strip().splitlines()):
            protocol = number % (pickle.HIGHEST_PROTOCOL + 1)
            theirs, ours = (ask(place / "f2b.sock", line.split(), protocol) for place in places.values())
            if theirs != ours:
                differences.append(f"{line}\n  theirs: {theirs}\n  ours: {ours}")
    assert not differences, "\n".join(differences)

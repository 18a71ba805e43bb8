"""Nobody can tell the difference: Debian's `fail2ban-regex` and ours, on the same words, say and return the same.

Both read a tree with our stock, filters and logs made here. What differs on purpose is not among the words below;
docs/fail2ban.md tells the administrator.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.cli.fail2ban_regex import main
from sekisho.config.files import STOCK

pytestmark = [pytest.mark.system(needs=("fail2ban-regex",)), pytest.mark.timeout(60)]

LINE = "2026-07-14 12:00:00 user root from 192.0.2.1"
RULE = r"user <F-USER>\S+</F-USER> from <HOST>"
WHO = r"user <F-ID>\S+</F-ID> from <HOST>"
JOINED = r"^ start (\S+)<SKIPLINES> end \1 <HOST>$"

FILTERS = {
    "own": r"""failregex = ^x <HOST>
  from <HOST>
  user <F-USER>\S+</F-USER> from <ADDR>
ignoreregex = nobody
datepattern = %%Y-%%m-%%d %%H:%%M:%%S
who = x
""",
    "sessions": r"""prefregex = ^\s*app(?:\[<F-MLFID>\d+</F-MLFID>\])?: <F-CONTENT>.+</F-CONTENT>$
failregex = ^bad from <HOST>$
  ^<F-NOFAIL>conn</F-NOFAIL> from <HOST>$
  ^fail user <F-USER>\S+</F-USER>$
  ^<F-MLFGAINED>ok</F-MLFGAINED> user <F-USER>\S+</F-USER>$
  ^<F-MLFFORGET>close</F-MLFFORGET>
  ^f(?P<alt_user>ai)l
ignoreregex = good
  better
  best
  finest
""",
    "joined": f"failregex = {JOINED}\n[Init]\nmaxlines = 3\n",
    "plain": "failregex = ^ x <HOST>\n  from <HOST>$\nignoreregex = user good\n",
    "dated": "failregex = from <HOST>$\n  user \\S+ from <HOST>$\nignoreregex =\n"
    "datepattern = ^%%Y-%%m-%%d %%H:%%M:%%S\n",
    "two": "failregex = from <HOST>$\ndatepattern = ^%%Y-%%m-%%d %%H:%%M:%%S\n  %%b %%d %%H:%%M:%%S\n",
    "narrow": "prefregex = ^ user <F-CONTENT>.+</F-CONTENT>$\nfailregex = ^\\S+ from <HOST>$\n"
    "  ^<F-NOFAIL>bob</F-NOFAIL> from <HOST>\nignoreregex = ^good\n",
    "context": "failregex = x <HOST>\n  <F-NOFAIL>n</F-NOFAIL> <HOST>\n  y <HOST>\n  <F-NOFAIL>m</F-NOFAIL> <HOST>\n"
    "  z <HOST>\n  v <HOST>\n",
    "empty": "failregex =\nignoreregex =\n",
}
SAID = (
    "app[1]: conn from 192.0.2.1",
    "app[1]: fail user a",
    "app[1]: fail user a",
    "app[1]: close",
    "app[2]: fail user a",
    "app[2]: conn from 192.0.2.2",
    "app[2]: fail user b",
    "app[2]: ok user b",
    "app[3]: good bad from 192.0.2.3",
    "app[4]: other",
    "app: bad from 192.0.2.7",
    "app: fail user c",
    "zap: bad from 192.0.2.8",
)
MARKS = ("nx", "nxy", "xym", "xymz", "nmv", "xyzv", "nmzv", "nxymzv", "v")
LOGS = {
    "m.log": f"# comment\n\n{LINE}\nnothing  \n{LINE.replace('192.0.2.1', '2001:DB8::1')}\n"
    "2026-07-14 12:00:01 user good from 192.0.2.2\n2026-07-14 12:00:02 user bob from 192.0.2.6\n"
    "Jul 14 12:00:01 h x[1]: from 192.0.2.3\n14/Jul/2026:11:00:00 +0200 from 192.0.2.4\n   # indented\n   \n",
    "auth.log": "".join(
        f"Jul 14 12:00:0{n} h sshd[10{n}]: Failed password for invalid user u from 192.0.2.{n} port 5000{n} ssh2\n"
        f"Jul 14 12:00:0{n} h sshd[10{n}]: "
        f"Connection closed by authenticating user u 192.0.2.{n} port 5000{n} [preauth]\n"
        f"Jul 14 12:00:0{n} h sshd[20{n}]: Accepted publickey for bob from 192.0.2.{n} port 5{n} ssh2: RSA x\n"
        f"Jul 14 12:00:0{n} h CRON[1]: session opened\n"
        for n in range(4)
    ),
    "crlf.log": f"{LINE}\r\nnothing\r\n",
    "empty.log": "",
    "odd.log": f"{LINE.replace('root', chr(27) + '[31mroot')}\nmiss \x07 \x0b \x1c \x00 \x85 \u2028 \r x\n\x0c\n\x00\n",
    "long.log": f"{LINE} {'x' * 70000}\n{'y' * 70000}\n",
    "names.log": "".join(
        f"2026-07-14 12:00:00 user a from {who}\n" for who in ("localhost", "nosuch.invalid", "1.2.3.4")
    ),
    "sessions.log": "".join(f"Jul 14 12:00:{number:02d} {said}\n" for number, said in enumerate(SAID)),
    "context.log": "".join(f"{LINE[:19]} {' '.join(f'{mark} 192.0.2.1' for mark in marks)}\n" for marks in MARKS),
    "joined.log": "".join(
        f"2026-07-14 12:00:{number:02d} {said}\n"
        for number, said in enumerate(
            (
                *("start a", "noise", "end a 192.0.2.1", "end a 192.0.2.1"),
                *("start b", "end b 192.0.2.2", "start c", "n", "n", "end c ::1"),
            )
        )
    ),
    "19.log": "".join(f"{LINE}{n}\nmiss {n}\n2026-07-14 12:00:00 user good from 192.0.2.{n}\n" for n in range(19)),
    "20.log": "".join(f"{LINE}{n}\nmiss {n}\n2026-07-14 12:00:00 user good from 192.0.2.{n}\n" for n in range(20)),
}
DATES = (
    *("Jul 15 2026 11:59:00", "[14/Jul/2026:11:00:00 +0200]", "1784030400", "audit(1784030400.123:45)"),
    *("260714  9:00:00", "20260714T110000", "PDT Jul 14 11:00:00", "@4000000037c219bf2ef02e94"),
    "2026-07-14T11:00:00+02:00",
)

LINES = (
    (LINE, RULE),
    (LINE, RULE, "root"),
    (LINE, RULE, ""),
    ("", RULE),
    ("x", ""),
    (".", RULE),
    ("#x", "<HOST>"),
    ("  #x", "<HOST>"),
    ("x  ", "<HOST>"),
    (LINE, "("),
    (LINE, "nohost"),
    (f"{LINE}\nb\n{LINE}", RULE, "root"),
    (f"{LINE}\nx\n", RULE),
    ("1\n2\n3\n4\n5", "<HOST>"),
    ("1\n2\n3\n4\n5\n6", "<HOST>"),
    *(("y" * size, f"<HOST>{'y' * (size - 6)}", "y" * size) for size in (53, 54)),
    *(("-v", f"{date} from 192.0.2.1", "from <HOST>$") for date in DATES),
    ("-L", "5", "-d", "%Y", LINE, RULE),
    ("-L", "-1", LINE, RULE),
    ("-d", "{NONE}", LINE, RULE),
    ("-d", "Epoch", f"1784030400 {LINE}", RULE),
    ("-d", "^%Y-%m-%d %H:%M:%S", f"[{LINE}", RULE),
    ("-d", "{^LN-BEG}%Y-%m-%d %H:%M:%S", f"[{LINE}", RULE),
    ("-d", '^(ts="{DATE}" )', 'ts="2026-07-14 11:00:00" user a from 192.0.2.1', RULE),
    ("-d", "%Y-%m-%d\n%H:%M:%S\n%d", LINE, RULE),
    ("-d", "%Y-%m-%d\n%Y-%m-%d", LINE, RULE),
    ("--TZ", "UTC+0200", "-v", LINE, RULE),
    ("--TZ", "Mars", LINE, RULE),
    ("--print-no-missed", "--print-all-missed", LINE, RULE),
    ("-D", "--print-all-matched", LINE, r"user (?P<fid>\w+)", "nobody"),
    ("-D", "x\ny", r"a <F-ID>\S+</F-ID>"),
    ("-o", "ip", "x", "nohost"),
    ("-o", "", LINE, RULE),
    ("-o", "row", LINE, "(?P<alt_fid>u)ser|(?P<fid>us)"),
)
WHOLE_LOGS = (
    *(
        ("--usedns", "no", f"{name}.log", RULE, "good")
        for name in ("crlf", "empty", "long", "odd", "nosuch", "19", "20")
    ),
    *((f"--print-all-{kind}", "20.log", RULE, "good") for kind in ("matched", "missed", "ignored")),
    ("-L", "1", "20.log", RULE),
    ("m.log", RULE, "a", "b"),
    ("m.log", "-o", "ip", RULE),
    *(
        (*options, "m.log", RULE, "good")
        for options in (
            *((), ("-v",), ("-vv",), ("--verbosity=0", "-v"), ("--no-check-all",), ("-r",), ("-t",), ("-m", "A=b")),
            *(("--usedns", "no"), ("--usedns", "bogus"), ("--TZ", "CET"), ("-e", "latin-1"), ("-L", "0"), ("-L", "5")),
            *(("-d", "^%Y-%m-%d"), ("-d", "EPOCH"), ("-d", ""), ("-d", "{DATE}")),
            *(("--print-no-missed",), ("--print-no-ignored",), ("--print-all-matched",)),
        )
    ),
    ("-L", "4", "m.log", RULE, "good"),
    ("-e", "latin-1", "latin1.log", RULE),
    ("-e", "ascii", "latin1.log", RULE),
    ("-e", "utf-16-le", "wide.log", RULE),
    *(("--usedns", mode, "-v", "names.log", RULE) for mode in ("yes", "raw", "bogus")),
    ("-r", "--usedns", "no", "names.log", RULE),
    ("-L", "3", "--print-all-missed", "joined.log", JOINED),
    *(("-o", token, "-L", "3", "joined.log", JOINED) for token in ("msg", "[<msg>] <ip>", "<ip>")),
    *(
        ("-o", token, "m.log", RULE)
        for token in (
            *("id", "ip", "ip4", "msg", "row", "user", "host", "time", "<br>"),
            "<msg>|<F-USER>|<F-NONE>|<user>",
            "<family> <ip-rev> <fid> <failures><sp><bancount>",
        )
    ),
    *(("-o", token, "m.log", WHO) for token in ("row", "fid", "<ip> <F-ID>")),
    *(("-o", token, "odd.log", RULE) for token in ("row", "user")),
)
BY_FILTER = (
    *(
        ("m.log", name)
        for name in (
            *("own", "own.conf", "own[who=y, c='d,e']", "plain", "dated", "two", "narrow", "empty", "nosuch"),
            *("sshd", "recidive", "./tree/filter.d/own.conf", "tree/filter.d/own.conf[who=y]"),
        )
    ),
    *(("-v", "m.log", name) for name in ("plain", "narrow")),
    *((*options, "auth.log", "sshd[mode=aggressive]") for options in ((), ("-v",))),
    ("auth.log", "tree/filter.d/sshd.conf"),
    *(
        ("-o", token, "auth.log", "sshd")
        for token in (
            *("ip", "id", "msg", "row", "user", "mlfid", "nosuch", "<ip> <F-USER> <x> <F-X>"),
            *("<time><br><msg>", "<family><sp><ip-rev>"),
        )
    ),
    *((*options, "context.log", "context") for options in (("-v",), ("--no-check-all", "-v"), ("-o", "row"))),
    *(
        (*options, "sessions.log", "sessions")
        for options in (
            *((), ("-v",), ("--no-check-all", "-v"), ("--print-all-matched", "--print-all-ignored")),
            ("--print-no-missed", "--print-no-ignored"),
            *(("-o", token) for token in ("msg", "<ip> <F-USER>", "<matches>", "mlfid")),
        )
    ),
    *(
        (*options, "joined.log", "joined")
        for options in ((), ("-L", "2"), ("-L", "5", "-d", "^%Y-%m-%d %H:%M:%S"), ("--print-all-matched",))
    ),
    ("-o", "<ip> <msg>", "joined.log", "joined"),
    (f"{LINE[:19]} start a", "joined"),
)
CASES = (
    *(("-c", "tree", *words) for words in (*LINES, *WHOLE_LOGS, *BY_FILTER)),
    ("m.log", "./tree/filter.d/own.conf"),
    ("-c", "tree/", "m.log", "own"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a tree of our stock and of filters, and with logs."""
    place = tmp_path_factory.mktemp("regex")
    shutil.copytree(STOCK / "filter.d", place / "tree" / "filter.d")
    for name in ("jail.conf", "fail2ban.conf", "paths-debian.conf", "paths-common.conf"):
        shutil.copy(STOCK / name, place / "tree" / name)
    for name, text in FILTERS.items():
        (place / "tree" / "filter.d" / f"{name}.conf").write_text(f"[Definition]\n{text}")
    for name, text in LOGS.items():
        (place / name).write_bytes(text.encode())
    german = f"{LINE.replace('root', 'Müller')}\nnö\n"
    (place / "latin1.log").write_bytes(german.encode("latin-1"))
    (place / "wide.log").write_bytes(german.encode("utf-16-le"))
    return place


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In that directory, where the sun stands highest at noon."""
    with monkeypatch.context() as changed:
        changed.chdir(place)
        changed.setenv("TZ", "UTC")
        changed.setenv("LC_ALL", "C.UTF-8")
        time.tzset()
        yield
    time.tzset()


def test_no_question_is_asked_twice() -> None:
    """Each costs a start of Debian's program."""
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize("words", CASES, ids=lambda words: " ".join(words)[8:68].encode("unicode_escape").decode())
def test_both_say_the_same(words: tuple[str, ...], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """On both streams, and to whoever asks for the status."""
    theirs = subprocess.run(["fail2ban-regex", *words], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    status = main(words)
    ours = capfdbinary.readouterr()
    assert told(ours.out) == told(theirs.stdout)
    assert (status, ours.err.strip()) == (theirs.returncode, theirs.stderr.strip())


def told(printed: bytes) -> list[str]:
    """The lines of a report, without what no two runs or releases share."""
    text = printed.decode(errors="surrogateescape")
    text = re.sub(r"\[processed in \S+ sec\]", "[processed]", text)
    text = re.sub(r"(?s)^\s*[Uu]sage: .*", "[usage]", text)
    return text.replace("(?:T|  ?|-)Ex24hour:?ExMinute:?ExSecond", "(?:T|  ?)Ex24hourExMinuteExSecond").split("\n")

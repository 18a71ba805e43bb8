"""Our `fail2ban-regex` beside Debian's: the same words, the same report, the same status."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sekisho.cli.fail2ban_regex import main
from sekisho.config.files import STOCK

pytestmark = [pytest.mark.system(needs=("fail2ban-regex",)), pytest.mark.timeout(60)]

RULE = r"user <F-USER>\S+</F-USER> from <HOST>"
JOINED = r"^ start (\S+)<SKIPLINES> end \1 <HOST>$"
LINE = "2026-07-14 12:00:00 user root from 192.0.2.1"

FILTERS = {
    "plain": "failregex = ^ x <HOST>\n  from <HOST>$\nignoreregex = user good\n",
    "dated": "failregex = from <HOST>$\n  user \\S+ from <HOST>$\nignoreregex =\n"
    "datepattern = ^%%Y-%%m-%%d %%H:%%M:%%S\n",
    "two": "failregex = from <HOST>$\ndatepattern = ^%%Y-%%m-%%d %%H:%%M:%%S\n  %%b %%d %%H:%%M:%%S\n",
    "joined": f"failregex = {JOINED}\n[Init]\nmaxlines = 3\n",
    "narrow": "prefregex = ^ user <F-CONTENT>.+</F-CONTENT>$\nfailregex = ^\\S+ from <HOST>$\n"
    "  ^<F-NOFAIL>bob</F-NOFAIL> from <HOST>\nignoreregex = ^good\n",
    "context": "failregex = ^<F-NOFAIL>a</F-NOFAIL> from <HOST>\n"
    "  ^\\S from <HOST>\n  ^b <F-NOFAIL>from</F-NOFAIL> <HOST>\n",
    "empty": "failregex =\nignoreregex =\n",
}
LOGS = {
    "app": f"{LINE}\n2026-07-14 12:00:01 user good from 192.0.2.2\n# no\n\n   \n"
    "2026-07-14 12:00:02 user bob from 2001:db8::1\n"
    " # x\nnothing  \nJul 14 12:00:00 user x from 192.0.2.9\n",
    "auth": "".join(
        f"Jul 14 12:00:0{n} h sshd[10{n}]: Failed password for invalid user u from 192.0.2.{n} port 5000{n} ssh2\n"
        f"Jul 14 12:00:0{n} h sshd[10{n}]: "
        f"Connection closed by authenticating user u 192.0.2.{n} port 5000{n} [preauth]\n"
        f"Jul 14 12:00:0{n} h sshd[20{n}]: Accepted publickey for bob from 192.0.2.{n} port 5{n} ssh2: RSA x\n"
        f"Jul 14 12:00:0{n} h CRON[1]: session opened\n"
        for n in range(4)
    ),
    "many": "".join(f"{LINE}{n}\nnoise {n}\n2026-07-14 12:00:00 user good from 192.0.2.{n}\n" for n in range(20)),
    "joined": "".join(
        f"2026-07-14 12:00:0{n} {text}\n"
        for n, text in enumerate(
            ("start a", "noise", "end a 192.0.2.1", "end a 192.0.2.1", "start b", "n", "n", "end b ::1")
        )
    ),
    "strange": "2026-07-14 12:00:00 user \x1b[31m from 192.0.2.1\r\nmi\x07ss\x0bfoo\x0cbar\x1cbaz\x85q\rx\n\x00\n",
    "empty": "",
}
DATES = (
    *(
        "Jul 15 2026 11:59:00",
        "[14/Jul/2026:11:00:00 +0200]",
        "1784030400",
        "audit(1784030400.123:45)",
        "260714  9:00:00",
    ),
    *("20260714T110000", "PDT Jul 14 11:00:00", "@4000000037c219bf2ef02e94", "2026-07-14T11:00:00+02:00"),
)

CASES = (
    *(
        (LINE, RULE),
        (LINE, RULE, "root"),
        (LINE, RULE, ""),
        ("", RULE),
        ("x", ""),
        (f"{LINE}\nx\n", RULE),
        ("x\n" * 7, "<HOST>"),
    ),
    *(("y" * size, f"<HOST>{'y' * size}", "y" * size) for size in (44, 53, 54)),
    *(
        ("x  ", "<HOST>"),
        ("  #x", "<HOST>"),
        ("#x", "<HOST>"),
        (LINE, "("),
        (LINE, "no"),
        (".", RULE),
        ("/no/such.log", RULE),
    ),
    *((f"@{log}.log", RULE, "good") for log in ("app", "many", "strange", "empty")),
    *(("-v", f"{date} from 192.0.2.1", "from <HOST>$") for date in DATES),
    *((f"@{name}.log", name) for name in ("joined",)),
    *(
        ("@app.log", name)
        for name in ("plain", "plain[a=b, c='d,e']", "dated", "two", "narrow", "empty", "nosuch", "plain.conf")
    ),
    *(("-v", "@app.log", name) for name in ("plain", "narrow")),
    *(("@auth.log", "sshd"), ("-v", "@auth.log", "sshd[mode=aggressive]"), ("@auth.log", "@filter.d/sshd.conf")),
    ("a from 192.0.2.1\nb from 192.0.2.2\nc from 192.0.2.3", "context"),
    *(
        (*option, "@app.log", RULE, "good")
        for option in (
            *(
                ["--verbosity", "0"],
                ["-vv"],
                ["--no-check-all"],
                ["-r"],
                ["--usedns", "no"],
                ["--usedns", "bogus"],
                ["-m", "A=b"],
            ),
            *(
                ["-L", "0"],
                ["-L", "4"],
                ["-L", "5"],
                ["-d", "^%Y-%m-%d"],
                ["-d", "EPOCH"],
                ["-d", ""],
                ["-d", "{DATE}"],
            ),
            *(
                ["--TZ", "CET"],
                ["-e", "latin-1"],
                ["-t"],
                ["--print-no-missed"],
                ["--print-no-ignored"],
                ["--print-all-matched"],
            ),
        )
    ),
    *((f"--print-all-{kind}", "@many.log", RULE, "good") for kind in ("matched", "missed", "ignored")),
    *(
        ("-L", "5", "-d", "^%Y-%m-%d %H:%M:%S", "@joined.log", "joined"),
        ("-L", "3", "--print-all-missed", "@joined.log", JOINED),
    ),
    ("-D", "x\ny", r"a <F-ID>\S+</F-ID>"),
    *(
        ("-o", token, "@auth.log", "sshd")
        for token in (
            *(
                "ip",
                "id",
                "msg",
                "row",
                "user",
                "mlfid",
                "nosuch",
                "<ip> <F-USER> <x> <F-X>",
                "<time><br><msg>",
                "<family><sp><ip-rev>",
            ),
        )
    ),
    *(("-o", token, "@app.log", r"user <F-ID>\S+</F-ID> from <HOST>") for token in ("row", "fid", "<ip> <F-ID>")),
    *(("-o", token, "-L", "3", "@joined.log", JOINED) for token in ("msg", "[<msg>] <ip>", "<ip>")),
    *(("-o", "user", "@strange.log", RULE), ("-o", "ip", "x", "nohost"), ("-o", "", LINE, RULE)),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration directory with the stock's filters and a few small ones, and logs."""
    place = tmp_path_factory.mktemp("regex")
    shutil.copytree(STOCK / "filter.d", place / "filter.d")
    for name, text in FILTERS.items():
        (place / "filter.d" / f"{name}.conf").write_text(f"[Definition]\n{text}")
    for name, text in LOGS.items():
        (place / f"{name}.log").write_bytes(text.encode())
    return place


@pytest.mark.parametrize("words", CASES, ids=str)
def test_both_say_the_same(tree: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """To the letter, but for the time it took; what stands in docs/fail2ban.md as different is not asked here."""
    command = ["-c", str(tree), *(re.sub("^@(?=[a-z])", f"{tree}/", word) for word in words)]
    theirs = subprocess.run(["fail2ban-regex", *command], capture_output=True, check=False)
    status = main(command)
    ours = capsys.readouterr().out
    assert told(ours) == told(theirs.stdout.decode(errors="surrogateescape"))
    assert status == theirs.returncode


def told(report: str) -> list[str]:
    """The lines of a report, without the time it took; the date template that 1.1 has widened as 1.0.2 has it."""
    text = re.sub(r"processed in [\d.]+ sec", "processed in a moment", report)
    return text.replace("(?:T|  ?|-)Ex24hour:?ExMinute:?ExSecond", "(?:T|  ?)Ex24hourExMinuteExSecond").split("\n")

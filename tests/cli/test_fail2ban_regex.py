"""`fail2ban-regex` as administrators type it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.cli import regex_lines
from sekisho.cli.fail2ban_regex import main
from sekisho.match.finding import LineVerdict
from sekisho.match.matcher import Matcher

RULE = r"user <F-USER>\S+</F-USER> from <HOST>"
LINE = "2026-07-14 12:00:00 user root from 192.0.2.1"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A configuration directory with a filter and a jail, and a log."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "own.conf").write_text(
        "[Definition]\nfailregex = ^x <HOST>\n  from <HOST>\nignoreregex = nobody\n"
        "datepattern = %%Y-%%m-%%d %%H:%%M:%%S\nwho = x\n"
    )
    (tmp_path / "jail.local").write_text("[web]\nenabled = true\nfilter = own\nlogpath = /x.log\nusedns = no\n")
    (tmp_path / "app.log").write_text(f"# comment\n\n{LINE}\n{LINE.replace('root', 'good')}\nnothing\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """The exit status and what was printed, without the time it took."""
    status = main([str(word) for word in words])
    out = capsys.readouterr().out
    return status, "\n".join(line for line in out.splitlines() if not line.startswith("[processed"))


def test_a_line_and_an_expression(capsys: pytest.CaptureFixture[str]) -> None:
    """The shortest use; a match is no failure of the program, nor is none."""
    status, out = run(capsys, LINE, RULE)
    assert status == 0
    assert out.startswith(f"\nRunning tests\n=============\n\nUse   failregex line : {RULE}\nUse      single line : ")
    assert "Lines: 1 lines, 0 ignored, 1 matched, 0 missed" in out
    assert run(capsys, "x", RULE)[0] == 0


def test_several_lines_and_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines are numbered above the report; the third word ignores."""
    _, out = run(capsys, f"{LINE}\nb", RULE, "root")
    assert f"Use      multi line : 2 line(s)\n|  1: {LINE}\n|  2: b\n`-" in out
    assert "Use ignoreregex line : root" in out
    assert "Lines: 2 lines, 1 ignored, 0 matched, 1 missed" in out


def test_a_log_skips_comments_and_empty_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As Fail2ban does."""
    _, out = run(capsys, place / "app.log", RULE, "good")
    assert f"Use         log file : {place / 'app.log'}" in out
    assert "Lines: 3 lines, 1 ignored, 1 matched, 1 missed" in out


@pytest.mark.parametrize("name", ["own", "own.conf", "filter.d/own", "own[who=y]"])
def test_a_filter_by_name(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """With its own dates, lines and exceptions."""
    status, out = run(capsys, "-c", place, place / "app.log", name)
    assert status == 0
    assert f"Use   failregex filter file : own, basedir: {place}\n" in out
    assert "\nUse      datepattern : %Y-%m-%d %H:%M:%S : Year-Month-Day 24hour:Minute:Second" in out
    assert ("Use   filter options : {'who': 'y'}" in out) is ("[" in name)
    assert "|   2) [2] from <HOST>" in out


def test_a_filter_by_its_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a file of exceptions in the third place."""
    path = place / "filter.d" / "own.conf"
    _, out = run(capsys, place / "app.log", path, path)
    assert f"Use   failregex filter file : own, basedir: {place}\n" in out
    assert f"Use ignoreregex file : {path}" in out


def test_a_jail_by_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Jails come before filters, with their own settings."""
    status, out = run(capsys, "-c", place, "from mail.example.com", "web")
    assert status == 0
    assert "Use             jail : web" in out
    assert "1 missed" in out


def test_results_only(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o` prints nothing else."""
    assert run(capsys, "-o", "ip", place / "app.log", RULE) == (0, "192.0.2.1\n192.0.2.1")
    assert run(capsys, "-o", "<F-USER>", "--no-check-all", place / "app.log", RULE) == (0, "root\ngood")
    assert run(capsys, "-o", "msg", "-i", place / "app.log", RULE) == (0, "nothing")


def test_options_of_the_trial(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dates, zone, encoding, names and lines by the command line."""
    log = place / "app.log"
    _, out = run(capsys, "-d", "{^LN-BEG}", "-L", "2", "-e", "latin1", log, RULE)
    assert "Use         maxlines : 2\nUse      datepattern : {^LN-BEG} : Default Detectors\nUse   failregex line" in out
    assert "Use         encoding : latin1" in out
    assert run(capsys, "--TZ", "UTC+0200", "-o", "time", log, RULE)[1].startswith("1784023200.0")
    assert "1 matched" in run(capsys, "-r", "from mail.example.com", "from <HOST>$")[1]
    assert "0 matched" in run(capsys, "--usedns", "no", "from mail.example.com", "from <HOST>$")[1]
    _, out = run(capsys, "--print-no-missed", "--print-all-matched", log, RULE)
    assert "Missed" not in out
    assert f"|- Matched line(s):\n|  {LINE}" in out
    assert "|      # regex:   ^" in run(capsys, "--VD", LINE, RULE)[1]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x", "nohost"], "No failure-id group in 'nohost'"),
        (["x", "<HOST> ("], "Unable to compile regular expression '<HOST> ('"),
        (["-d", "%Q", "x", "<HOST>"], "Failed to set datepattern '%Q'"),
        (["-L", "-1", "x", "<HOST>"], "maxlines must not be negative, it is -1"),
        (["x", "<HOST>", ""], "Cannot add empty regex"),
        (["systemd-journal[x", "<HOST>"], "invalid log 'systemd-journal[x'"),
        (["-l", "shout", "x", "<HOST>"], "Invalid log level 'shout'"),
        (["--timezone", "Mars", "x", "<HOST>"], "Unknown or unsupported time zone: 'Mars'"),
    ],
)
def test_what_cannot_be_tried_ends_with_255(words: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And says why."""
    status, out = run(capsys, *words)
    assert status == 255
    assert f"ERROR: {error}" in out


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (["x"], 255, "ERROR: provide both <LOG> and <REGEX>."),
        (
            ["--print-no-missed", "--print-all-missed", "x", "<HOST>"],
            255,
            "ERROR: --print-no-missed and --print-all-missed are mutually exclusive.",
        ),
        (["--nosuch", "x", "<HOST>"], 2, "fail2ban-regex: error: unrecognized arguments: --nosuch"),
        (["-L", "x", "x", "<HOST>"], 2, "fail2ban-regex: error: argument -L/--maxlines: invalid int value: 'x'"),
    ],
)
def test_a_command_line_that_makes_no_sense(
    words: list[str], status: int, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong goes to standard error; a wrong option ends with 2, as it always did."""
    assert main(words) == status
    assert error in capsys.readouterr().err


def test_options_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind the log, too, where people add them."""
    assert run(capsys, LINE, "-o", "ip", RULE) == (0, "192.0.2.1")


def test_whoever_loses_patience_sees_what_was_found(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with the report so far, the line that it was at, and a status that is no success."""
    examine = Matcher.examine

    def slow(self: Matcher, line: str, *, now: float, mask: int | None, **_: object) -> LineVerdict:
        if "good" in line:
            raise KeyboardInterrupt
        return examine(self, line, now=now, mask=mask, check_all=True)

    monkeypatch.setattr(Matcher, "examine", slow)
    assert main([str(place / "app.log"), RULE]) == 255
    out, err = capsys.readouterr()
    assert "Lines: 1 lines, 0 ignored, 1 matched, 0 missed" in out
    assert "Interrupted at the line '2026-07-14 12:00:00 user good" in err


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, r"\x1b[2J"), (False, "\x1b[2J")])
def test_a_terminal_obeys_no_log_line(
    is_terminal: bool,  # noqa: FBT001 - a parameter of the test
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a stranger wrote is escaped on a terminal; a script gets it as it is."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    assert f"|  a{shown}b" in run(capsys, "a\x1b[2Jb", RULE)[1]
    assert run(capsys, "-o", "user", LINE.replace("root", "\x1b[2J"), RULE)[1] == shown


def test_the_journal_is_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the matches given, and the entries' own times."""
    asked = []

    def lines(options: object, matches: object) -> list[tuple[str, float]]:
        asked.append((options, matches))
        return [("srv sshd[1]: user root from 192.0.2.1", 1784030400.0)]

    monkeypatch.setattr(regex_lines, "journal_lines", lines)
    _, out = run(capsys, "-m", "A=b", "-o", "time", "systemd-journal[journalflags=1]", RULE)
    assert out == "1784030400.0"
    assert asked == [({"journalflags": "1"}, ["A=b"])]
    assert "Use    journal match : A=b" in run(capsys, "-m", "A=b", "systemd-journal", RULE)[1]


def test_versions_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    assert run(capsys, "-V")[1][0].isdigit()
    assert run(capsys, "--version")[1].startswith("fail2ban-regex ")
    assert run(capsys, "-h")[0] == 0


def test_it_starts_without_heavy_modules() -> None:
    """A tool for the command line does not load an event loop or tables."""
    script = "import sys, sekisho.cli.fail2ban_regex; print({'asyncio', 'rich'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
    )

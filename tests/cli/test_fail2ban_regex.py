"""`fail2ban-regex` as administrators type it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.cli import regex_lines
from sekisho.cli.fail2ban_regex import main

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
    printed = capsys.readouterr()
    out = printed.out + printed.err
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
    assert "Use      datepattern : %Y-%m-%d %H:%M:%S : Year-Month-Day 24hour:Minute:Second\n" in out
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


def test_a_line_has_one_result(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """The report tries every expression, `-o` goes by the first that matches."""
    words = ("-c", place, "x 192.0.2.1 from 192.0.2.2", "own")
    assert "Failregex: 2 total" in run(capsys, *words)[1]
    assert run(capsys, "-o", "ip", *words) == (0, "192.0.2.1")


def test_options_of_the_trial(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dates, zone, encoding, names and lines by the command line."""
    log = place / "app.log"
    _, out = run(capsys, "-d", "{^LN-BEG}", "-L", "2", "-e", "latin1", log, RULE)
    assert "Use         maxlines : 2\nUse      datepattern : {^LN-BEG} : Default Detectors\nUse   failregex line" in out
    assert "Use         encoding : latin1" in out
    assert run(capsys, "--TZ", "UTC+0200", "-o", "<time>", log, RULE)[1].startswith("1784023200.0")
    assert "1 matched" in run(capsys, "-r", "from mail.example.com", "from <HOST>$")[1]
    assert "0 matched" in run(capsys, "--usedns", "no", "from mail.example.com", "from <HOST>$")[1]
    _, out = run(capsys, "--print-no-missed", "--print-all-matched", log, RULE)
    assert "Missed" not in out
    assert f"|- Matched line(s):\n|  {LINE}" in out
    assert "|      # regex:   ^" in run(capsys, "-v", "--VD", LINE, RULE)[1]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x", "nohost"], "ERROR: No failure-id group in 'nohost'"),
        (["x", "<HOST> ("], "ERROR: Unable to compile regular expression '<HOST> ('"),
        (["x"], "ERROR: provide both <LOG> and <REGEX>."),
        (["x", "<HOST>", "y", "z"], "ERROR: provide both <LOG> and <REGEX>."),
        (["x", "<HOST>", ""], "Use ignoreregex line : \nERROR: Cannot add empty regex"),
        (["-d", "%Q", "x", "<HOST>"], "ERROR: Failed to set datepattern '%Q'"),
        (["-L", "-1", "x", "<HOST>"], "ERROR: maxlines must be integer greater than zero"),
        (["-l", "shout", "x", "<HOST>"], "ERROR: Invalid log level 'shout'"),
        (["--timezone", "Mars", "x", "<HOST>"], "ERROR: Unknown or unsupported time zone: 'Mars'"),
        (["--print-no-missed", "--print-all-missed", "x", "<HOST>"], "ERROR: --print-no-missed and --print-all-missed"),
        (["systemd-journal[", "<HOST>"], "ERROR: systemd-journal["),
    ],
)
def test_what_cannot_be_tried_ends_with_255(words: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And says why."""
    status, out = run(capsys, *words)
    assert status == 255
    assert error in out


@pytest.mark.parametrize("words", [["--nosuch"], ["-L", "x"], ["-o"]])
def test_a_command_line_that_is_none_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As every program's does, with the usage beside the output."""
    assert main(["x", "<HOST>", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "fail2ban-regex: error: " in printed.err


def test_options_may_stand_anywhere(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also between the words and behind them."""
    assert run(capsys, place / "app.log", "-o", "ip", RULE, "-L1") == (0, "192.0.2.1\n192.0.2.1")


def test_a_long_line_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A line longer than the name of any file is a line."""
    assert "1 matched" in run(capsys, f"{LINE} {'x' * 300}", RULE)[1]


def test_a_log_in_wide_characters(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A newline of two bytes ends a line, and nothing else does."""
    (place / "wide.log").write_text(f"{LINE}\nM\u0a0a\n", encoding="utf-16-le")
    _, out = run(capsys, "-e", "utf-16-le", place / "wide.log", RULE)
    assert "Lines: 2 lines, 0 ignored, 1 matched, 1 missed" in out
    assert "|  M\u0a0a" in out


ESCAPE = "\x1b]0;owned\x07"


def test_a_pipe_gets_what_the_log_says(capsys: pytest.CaptureFixture[str]) -> None:
    """To the byte: scripts compare it."""
    assert run(capsys, "-o", "msg", LINE + ESCAPE, RULE)[1] == LINE + ESCAPE


@pytest.mark.parametrize(
    "words",
    [["-o", "msg"], ["-o", "<msg>"], ["-o", "user"], ["--print-all-matched", "-v"], ["-D", "--print-all-matched"]],
)
def test_a_terminal_gets_nothing_that_it_would_obey(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log line is a stranger's text."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out = run(capsys, *words, LINE.replace("root", ESCAPE), RULE)
    assert "\\x1b]0;owned\\x07" in out
    assert out.replace("\n", "").replace("\t", "").isprintable()


def test_it_can_be_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Quietly."""

    def interrupted(_trial: object, _log: object, _advance: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sekisho.cli.regex_trial.Trial.run", interrupted)
    assert run(capsys, "-o", "ip", LINE, RULE) == (130, "")


def test_the_journal_is_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the matches given, and the entries' own times."""
    asked = []

    def lines(options: object, matches: object) -> list[tuple[str, float]]:
        asked.append((options, matches))
        return [("srv sshd[1]: user root from 192.0.2.1", 1784030400.0)]

    monkeypatch.setattr(regex_lines, "journal_lines", lines)
    _, out = run(capsys, "-m", "A=b", "-o", "<time>", "systemd-journal[journalflags=1]", RULE)
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


def test_a_filter_of_records(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its rules are listed as expressions are, and each missed line has the reason below it."""
    rules = "logformat = json\nwhen = status = 401\nignorewhen = agent = monitor\nhost = ip\nuser = name\n"
    (place / "filter.d" / "shop.conf").write_text(f"[Definition]\n{rules}")
    log = place / "web.log"
    log.write_text(
        '{"time":1784030340,"status":401,"ip":"192.0.2.1","name":"bob"}\n{"status":401,"ip":"192.0.2.1","agent":"monitor"}\n'
        '{"status":200,"ip":"192.0.2.1"}\n{"status":401,\n'
    )
    status, out = run(capsys, "-c", place, log, "shop")
    assert status == 0
    assert "Failregex: 1 total\n|-  #) [# of hits] regular expression\n|   1) [1] status = 401\n`-" in out
    assert "Ignoreregex: 1 total\n|-  #) [# of hits] regular expression\n|   1) [1] agent = monitor\n`-" in out
    assert "Lines: 4 lines, 1 ignored, 1 matched, 2 missed" in out
    assert "|      when 1: status is '200', asked for is = 401" in out
    assert '|  {"status":401,\n|      it is no whole JSON object' in out
    assert run(capsys, "-c", place, "-o", "row", log, "shop")[1] == (
        "['192.0.2.1',\t1784030340.0,\t{'ip4': '192.0.2.1', 'user': 'bob'}],"
    )
    for wish in ("-D", "-v", "--print-all-missed"):
        assert run(capsys, "-c", place, wish, log, "shop")[0] == 0

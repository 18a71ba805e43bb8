"""sekisho check."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.config.test_load_stock import ALL

from sekisho.cli.main import main

_JAIL = "[j]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = observe\n"


def check(directory: Path, *options: str, jail: str = _JAIL, rules: str = "^fail from <HOST>$") -> int:
    """Write a tree with one jail and one filter, and check it."""
    (directory / "filter.d").mkdir()
    (directory / "filter.d/f.conf").write_text(f"[Definition]\nfailregex = {rules}\n")
    (directory / "jail.local").write_text(jail)
    return main(["check", "-c", str(directory), *options])


def test_a_tree_without_mistakes_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which jails will run."""
    assert check(tmp_path) == 0
    assert capsys.readouterr().out == "1 jail ready: j\n"


def test_every_mistake_has_its_place_and_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors make the command fail; the summary names the jails that will not run."""
    assert check(tmp_path, jail=f"{_JAIL}[k]\nenabled = true port = ssh\n[l]\nenabled = true\nfilter = sshdd\n") == 1
    file = tmp_path / "jail.local"
    assert capsys.readouterr().out == (
        f"error:   {file}:7: jail 'k': 'enabled' is 'true port = ssh': another option stands on the same line"
        " (leave `enabled = true` and put `port = ssh` on a line of its own)\n"
        f"error:   {file}:10: jail 'l': there is no filter 'sshdd' (did you mean 'sshd'?)\n"
        f"warning: {file}:9: jail 'l': there is nothing to read (set logpath, or backend = systemd)\n"
        "1 jail ready: j; 2 jails in error: k, l; 1 warning\n"
    )


def test_a_rule_that_does_not_compile_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Loading cannot see it; the jail would not start."""
    assert check(tmp_path, rules="^fail (from <HOST>$") == 1
    out = capsys.readouterr().out
    assert "jail 'j': Unable to compile regular expression" in out
    assert out.endswith("No jail is ready; 1 jail in error: j\n")


def test_a_rule_without_a_literal_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is tried on every line of its log; that works, and costs."""
    assert check(tmp_path, rules="^fail from <HOST>$\n  ^\\S+ <HOST>$") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"warning: {tmp_path / 'filter.d/f.conf'}:3: failregex 2 of filter 'f' holds no text")
    assert out.endswith("1 jail ready: j; 1 warning\n")


def test_a_filter_that_joins_lines_costs_no_more_than_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines around a literal are enough for it."""
    assert check(tmp_path, rules="^fail from <HOST>$\n  ^bad <HOST>$\nmaxlines = 2") == 0
    assert capsys.readouterr().out == "1 jail ready: j\n"


def test_a_broken_tree_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it can be used."""
    assert check(tmp_path, jail="[j]\nenabled = true\nenabled = true\n") == 1
    out = capsys.readouterr().out
    assert f"{tmp_path / 'jail.local'}:3: option 'enabled' in section 'j' already exists" in out
    assert "cannot be used" in out


def test_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: one document."""
    assert check(tmp_path, "--json", jail=f"{_JAIL}[k]\nenabled = maybe\n") == 1
    assert json.loads(capsys.readouterr().out) == {
        "broken": False,
        "ready": ["j"],
        "failed": ["k"],
        "problems": [
            {
                "severity": "error",
                "file": str(tmp_path / "jail.local"),
                "line": 7,
                "jail": "k",
                "text": "'enabled': expected true or false, found 'maybe'",
                "remedy": "write true or false",
            }
        ],
    }


def test_text_from_a_file_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a configuration are shown, not obeyed, and each problem is one line."""
    assert check(tmp_path, jail=f"{_JAIL}bantime = \x1b[2J\n  x\n") == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_a_directory_that_does_not_exist_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, as for any wrong argument."""
    assert main(["check", "-c", str(tmp_path / "none")]) == 2
    assert "there is no configuration directory" in capsys.readouterr().err


UNLIKE_OTHERS = {
    "courier-smtp": "what its prefix has cut out is searched for the reply at its end",
}
"""What is rightly said of a shipped filter, and why the service's log leaves no choice."""


def test_the_shipped_jails_have_nothing_to_complain_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, compiled, without a warning."""
    (tmp_path / "jail.local").write_text("[DEFAULT]\nenabled = true\nbackend = systemd\n")
    assert main(["check", "-c", str(tmp_path)]) == 0
    *told, verdict = capsys.readouterr().out.splitlines()
    only_files = ("there is no journalmatch", "no file matches logpath")  # some services only write them
    complaints = [line for line in told if not any(each in line for each in only_files)]
    assert {line.split("filter '")[1].split("'")[0] for line in complaints} == set(UNLIKE_OTHERS)
    assert verdict.startswith(f"{len(ALL)} jails ready: ")


def test_v_shows_what_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each jail that will run, with what it reads, matches, counts and does; the system; whose file replaces ours."""
    (tmp_path / "action.d").mkdir()
    (tmp_path / "action.d/observe.conf").write_text("[Definition]\nactionban = true\n")
    jail = (
        "[sshd]\nfilter = f\nenabled = true\nbackend = polling\nlogpath = /dev/null\naction = observe\nbantime = -1\n"
    )
    assert check(tmp_path, "-v", jail=jail) == 0
    (system, note, *lines) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"note: +this is .+: services log where paths-\w+\.conf says", system)
    assert note.startswith(f"note:    {tmp_path}/action.d/observe.conf stands instead of the stock file of that name")
    assert lines == [
        "sshd",
        "  reads     /dev/null",
        "  filter    f: 1 rule",
        "  bans      5 failures within 600 s: for ever",
        "  actions   observe (commands)",
        "  ignores   this host",
        "1 jail ready: sshd",
    ]

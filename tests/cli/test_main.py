"""The `sekisho` command finds its verbs."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from sekisho import __version__
from sekisho.cli.main import VERBS, build_parser, main, overview


def test_without_a_verb_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for, help is a success; not asked for, it is the answer to a mistake."""
    assert main([]) == 2
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for verb in VERBS:
        assert f"\n  {verb} " in out


def test_a_slip_is_met_with_the_nearest_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """A verb that nobody knows is a usage error."""
    assert main(["statsu"]) == 2
    assert capsys.readouterr().err == "sekisho: no command 'statsu'; did you mean 'status'?\n"
    assert main(["zzz"]) == 2
    assert "sekisho --help" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Which release this is."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sekisho {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line of the module says what it does, and each example begins with the command."""
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert f"  sekisho {verb}" in out.partition("examples:")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_an_option_that_nobody_knows_is_misuse(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and how the verb is used, on standard error."""
    with pytest.raises(SystemExit) as caught:
        main([verb, "--nosuch"])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert (captured.out, f"usage: sekisho {verb}" in captured.err) == ("", True)


@pytest.mark.parametrize("verb", ["status", "ban", "unban", "reload", "apply", "match", "check", "config"])
def test_each_verb_that_prints_data_prints_it_for_programs(verb: str) -> None:
    """`--json` gives one document."""
    assert "--json" in build_parser(verb, importlib.import_module(VERBS[verb])).format_help()


def test_a_terminal_gets_the_same_help_in_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coloured help is made only where it is seen."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit):
        main(["status", "--help"])
    assert "who is banned" in capsys.readouterr().out


def test_only_the_verb_that_is_called_is_imported() -> None:
    """`sekisho status` loads neither the others nor rich nor asyncio."""
    code = (
        "import sys; from sekisho.cli.main import main; main(['status', '-s', '/nonexistent/s']); "
        "print([name for name in sys.modules if name in ('rich', 'asyncio', 'sekisho.cli.ban', 'sekisho.cli.match')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_verbs_of_other_rooms_are_listed_too() -> None:
    """Whoever stands above this room may add its own."""
    from sekisho.cli import status

    shown = overview({"other": "sekisho.cli.status"})
    assert "\nset up:\n  other       Show how the server" in shown
    assert "look:" not in shown
    assert build_parser("status", status).prog == "sekisho status"

"""Manual pages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sekisho.cli.main import VERBS
from sekisho.cli.man import escape, render
from sekisho.cli.manual import Command, Option, Program, programs

PAGES = {program.name: program for program in programs(VERBS)}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("--json", r"\-\-json"),
        (".hidden", r"\&.hidden"),
        ("'quoted'", r"\(aqquoted\(aq"),
        (r"a\nb", r"a\enb"),
        ("関", r"\[u95A2]"),
    ],
)
def test_text_is_never_taken_for_a_request(text: str, written: str) -> None:
    """What roff would act on is written so that it is shown."""
    assert escape(text) == written


@pytest.mark.system(needs=("mandoc",))
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_well_formed(name: str, tmp_path: Path) -> None:
    """Nothing for mandoc to warn of."""
    page = tmp_path / f"{name}.1"
    page.write_text(render(PAGES[name], ["sekisho"], date="2026-07-14"))
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.system(needs=("mandoc",))
@pytest.mark.parametrize("name", PAGES)
def test_pages_tell_every_command_and_option(name: str, tmp_path: Path) -> None:
    """As a reader of `man` sees them."""
    page = tmp_path / f"{name}.1"
    page.write_text(render(PAGES[name], ["sekisho"], date="2026-07-14"))
    shown = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=1000", str(page)], capture_output=True, text=True, check=True
    ).stdout
    plain = _without_overstrike(shown)
    program = PAGES[name]
    options = [*program.options, *(option for command in program.commands for option in command.options if option.help)]
    wanted = [option for option in options if "--help" not in option.names]
    assert [option for option in wanted if f"{', '.join(option.names)} {option.argument}".rstrip() not in plain] == []
    assert [command.usage for command in program.commands if command.usage not in plain] == []
    assert [line for command in program.commands for line in command.examples if line not in plain] == []


def test_a_hostile_text_cannot_leave_its_place() -> None:
    """A backslash, a dot and quotes in a help are only text."""
    command = Command(("x",), "x", '.so /etc/passwd "\\', options=(Option(("-x",), "A", ".de x\n.."),))
    page = render(Program("sekisho", "", "about", commands=(command,)), [], date="")
    assert [line for line in page.splitlines() if line.startswith((".so", ".de", ".."))] == []


def _without_overstrike(text: str) -> str:
    while (at := text.find("\b")) >= 0:
        text = text[: at - 1] + text[at + 1 :]
    return text

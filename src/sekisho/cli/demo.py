"""Play the defence of a mail server, live, with nothing of this host touched.

In private namespaces (as root, or where everyone may have them) journal, firewall and connections are real; elsewhere
bans are only observed. It ends by itself in half a minute.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sekisho.cli.demo_board import Board, Event, LiveShow, PlainShow, parse_event
from sekisho.cli.demo_script import ATTACKS, HARMLESS, WEB
from sekisho.cli.demo_stage import StageError
from sekisho.cli.demo_theatre import OpenTheatre, PrivateTheatre, Theatre, TheatreError
from sekisho.control.client import ControlError

EXAMPLES = """\
sekisho demo             on a terminal a live table, in a pipe one line an event
sekisho demo --quick     without the pauses that let a person follow
sekisho demo --observe   without namespaces and firewall, as it is where they are not permitted
"""

_PATIENCE = 10.0  # seconds for a ban; it takes milliseconds
_BLINK = 0.02  # seconds between two looks at the log
_ENVELOPE = ("X-", "Message-ID:", "Auto-", "Content-", "MIME-")  # headers of a letter that nobody reads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--quick", action="store_true", help="no pauses for people to follow")
    parser.add_argument("--observe", action="store_true", help="use no namespaces: bans are only observed")


def run(args: argparse.Namespace) -> int:
    """Give the play; 0 when everything happened as announced."""
    try:
        with _find_theatre(observe=args.observe) as theatre:
            return _perform(theatre, pace=0.0 if args.quick else 1.0)
    except (TheatreError, StageError, ControlError) as error:
        print(f"sekisho demo: {error}", file=sys.stderr)
        return 1


def _find_theatre(*, observe: bool) -> Theatre:
    if not observe:
        try:
            return PrivateTheatre()
        except TheatreError as error:
            print(f"No private namespaces here ({error}).")
    return OpenTheatre()


def _perform(theatre: Theatre, *, pace: float) -> int:
    print(f"Sekisho guards a mail server for half a minute, in {theatre.name}.")
    board = Board([*ATTACKS, "recidive"])
    theatre.start()
    show: LiveShow | PlainShow
    if sys.stdout.isatty():
        from rich.console import Console

        show = LiveShow(board, Console(highlight=False))
    else:
        show = PlainShow(board, sys.stdout)
    play = Play(theatre, board, refresh=show.refresh, pace=pace)
    try:
        play.play()
    finally:
        show.close()
    return _close(theatre, play)


class Play:
    """The scenes, one after another. What does not happen as announced is kept in `unmet`."""

    def __init__(self, theatre: Theatre, board: Board, *, refresh: Callable[[], None], pace: float) -> None:
        self.theatre = theatre
        self.board = board
        self.unmet: list[str] = []
        self.delays: list[float] = []
        self.turned_away = 0
        self._refresh = refresh
        self._pace = pace
        self._read = 0
        self._number = 1000
        self._said_at = 0.0

    def play(self) -> None:
        """Play all scenes."""
        self._scene("Customers come and go; their lines are read and mean nothing.")
        for unit, line in HARMLESS.items():
            self.theatre.say(unit, line)
        self._scene("192.0.2.80 mistypes a password twice: nobody is banned for two failures.")
        self._fail("sshd", "192.0.2.80", 2)
        self._scene("198.51.100.7 guesses passwords of sshd: the third failure bars its way to port 22, to no other.")
        self._knock("198.51.100.7", 22, "open")
        self._be_banned("sshd", "198.51.100.7")
        self._knock("198.51.100.7", 22, "dropped")
        self._knock("198.51.100.7", WEB, "open")
        self._knock("192.0.2.80", 22, "open")
        self._scene("2001:db8:bad::99 wants to relay its mail, over IPv6.")
        self._be_banned("postfix", "2001:db8:bad::99")
        self._knock("2001:db8:bad::99", 25, "dropped")
        self._scene("192.168.1.20 fails four times, but its network is in ignoreip.")
        self._fail("dovecot", "192.168.1.20", 4)
        self._await(lambda: self.board.jails["dovecot"].ignored == 4, "192.168.1.20 was not ignored four times")
        self._knock("192.168.1.20", 143, "open")
        self._scene("192.0.2.66 tries every service: five bans in a day bar every port, for a week.")
        for jail in ATTACKS:
            self._be_banned(jail, "192.0.2.66", haste=0.25)
        self._await_ban("recidive", "192.0.2.66")
        self._knock("192.0.2.66", WEB, "dropped")
        self._scene("The administrator pardons 198.51.100.7, and reloads; all other bans stand.")
        self.theatre.ask("set", "sshd", "unbanip", "198.51.100.7")
        self._knock("198.51.100.7", 22, "open")
        self.theatre.ask("reload")
        self._knock("192.0.2.66", WEB, "dropped")
        self._wait(1)

    def _scene(self, note: str) -> None:
        self._wait(1.5 if self.board.note else 0)
        self.board.note = note
        self._wait(0.8)

    def _be_banned(self, jail: str, ip: str, *, haste: float = 1.0) -> None:
        self._fail(jail, ip, 3, haste=haste)
        self._await_ban(jail, ip)

    def _fail(self, jail: str, ip: str, times: int, *, haste: float = 1.0) -> None:
        for _ in range(times):
            self._wait(0.5 * haste)
            self._number += 1
            self._said_at = time.time()
            self.theatre.say(ATTACKS[jail].unit, ATTACKS[jail].text(ip, self._number))
        self._wait(0)

    def _await_ban(self, jail: str, ip: str) -> None:
        self._await(lambda: self.board.ban_of(jail, ip) is not None, f"{ip} was not banned by {jail}")
        if ban := self.board.ban_of(jail, ip):
            self.delays.append(max(0.0, ban.at - self._said_at))

    def _await(self, happened: Callable[[], bool], unmet: str) -> None:
        end = time.monotonic() + _PATIENCE
        while not happened():
            if time.monotonic() > end:
                self.unmet.append(unmet)
                return
            time.sleep(_BLINK)
            self._look()

    def _knock(self, ip: str, port: int, expected: str) -> None:
        self._wait(0.2)
        met = self.theatre.knock(ip, port)
        if met is None:
            return
        self.turned_away += met == "dropped"
        if met != expected:
            self.unmet.append(f"{ip} at port {port} met {met!r}, not {expected!r}")
        self.board.take(Event(time.time(), "", "knock", ip, f"at port {port}: {met}"))
        self._look()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds * self._pace
        self._look()
        while time.monotonic() < end:
            time.sleep(_BLINK)
            self._look()

    def _look(self) -> None:
        """Take what the log has got since the last look."""
        text = self.theatre.read_log()
        whole = text.rfind("\n") + 1
        for line in text[self._read : whole].splitlines():
            if event := parse_event(line):
                self.board.take(event)
        self._read = whole
        self._refresh()


def _close(theatre: Theatre, play: Play) -> int:
    """Show what stands in the firewall and what was mailed, stop, and sum up."""
    if rules := theatre.firewall():
        _section("The firewall (nft list ruleset: who is in a set, the first chains)", render_rules(rules))
    letters = _await_letters(theatre, count=len(play.delays))
    if letters:
        shown = "\n".join(line for line in letters[0].splitlines() if not line.startswith(_ENVELOPE))
        _section(f"The first of {len(letters)} letters to mail@example.com", shown)
    theatre.stop()
    left = theatre.firewall()
    if left:
        play.unmet.append(f"rules were left behind: {left}")
    failures = sum(tally.failures for tally in play.board.jails.values())
    bans = sum(tally.bans for tally in play.board.jails.values())
    slowest = max(play.delays, default=0.0) * 1000
    why = " (journald lets its readers wait up to 500)" if rules else ""
    facts = [f"{failures} failures", f"{bans} bans, each within {slowest:.0f} ms of the last failure's line{why}"]
    if play.turned_away:
        facts.append(f"{play.turned_away} connections turned away")
    facts += [f"{len(letters)} letters", "stopped" + (", no rule left behind" if rules and not left else "")]
    _section("Summary", "\n".join(facts))
    for what in play.unmet:
        print(f"NOT AS ANNOUNCED: {what}", file=sys.stderr)
    print(_on_this_host())
    return 1 if play.unmet else 0


def _await_letters(theatre: Theatre, *, count: int) -> list[str]:
    end = time.monotonic() + 5  # a letter waits for whois, a ban does not wait for a letter
    while len(letters := theatre.letters()) < count and time.monotonic() < end:
        time.sleep(_BLINK)
    return letters


_SET = re.compile(r"^\tset (\S+) \{[^}]*?elements = \{ (.*?) \}", re.MULTILINE | re.DOTALL)
_CHAIN = re.compile(r"^\tchain .*?^\t\}", re.MULTILINE | re.DOTALL)


def render_rules(ruleset: str) -> str:
    """Return what a person wants to see of nft's listing: the sets that hold someone, a line each, and two chains."""
    held = [
        f"{name:<24}{re.sub(r' timeout [0-9a-z]+', '', element.strip())}"
        for name, elements in _SET.findall(ruleset)
        for element in elements.split(",")
    ]
    return "\n".join([*held, "", *_CHAIN.findall(ruleset)[:2]])


def _section(title: str, text: str) -> None:
    print(f"\n--- {title} " + "-" * max(0, 70 - len(title)))
    print(text)


def _on_this_host() -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    program = "sekisho" if sys.argv[0].endswith(".py") else sys.argv[0]
    standing = next((path for path in ("/etc/sekisho", "/etc/fail2ban") if Path(path).is_dir()), None)
    begin = f"  {sudo}sh -c 'mkdir /etc/sekisho && printf \"[sshd]\\nenabled = true\\n\" >/etc/sekisho/jail.local'"
    config = f"  the configuration in {standing} is used as it is" if standing else begin
    return f"""
On this host:
{config}
  {sudo}{program} check              every mistake, with file and line
  {sudo}{program} run                in the foreground
  {sudo}{program} service install    for systemd"""

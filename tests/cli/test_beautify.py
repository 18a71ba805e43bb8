"""The layouts that scripts parse, byte for byte (COMPAT 6.2-6.4)."""

from __future__ import annotations

import pytest

from sekisho.cli.beautify import beautify
from sekisho.control.client import Value

JAIL: Value = [
    ["Filter", [["Currently failed", 2], ["Total failed", 3], ["File list", ["/var/log/a.log", "/var/log/b.log"]]]],
    ["Actions", [["Currently banned", 1], ["Total banned", 1], ["Banned IP list", ["192.0.2.10", "192.0.2.11"]]]],
]
SHORT: Value = [
    ["Filter", [["Currently failed", 0], ["Total failed", 0], ["Journal matches", "A=1 + B=2"]]],
    ["Actions", [["Currently banned", 0], ["Total banned", 0]]],
]


@pytest.mark.parametrize(
    ("words", "value", "text"),
    [
        ("ping", "pong", "Server replied: pong"),
        ("echo a b", ["a", "b"], "a b"),
        ("version", "1.0", "1.0"),
        ("stop", None, "Shutdown successful"),
        ("stop demo", None, "Jail stopped"),
        ("start demo", None, "Jail started"),
        ("status", "SHUTDOWN", "SHUTDOWN"),
        ("reload", "OK", "OK"),
        ("sleep 1", None, "None"),
        ("flushlogs", "rolled over", "logs: rolled over"),
        ("banned", [{"demo": ["192.0.2.10"]}, {"ddd": []}], "[{'demo': ['192.0.2.10']}, {'ddd': []}]"),
        ("banned 192.0.2.10 x", [["demo"], []], "[['demo'], []]"),
        ("unban --all", 0, "0"),
        ("get loglevel", "INFO", "Current logging level is 'INFO'"),
        ("set loglevel DEBUG", "DEBUG", "Current logging level is 'DEBUG'"),
        ("get logtarget", "/l", "Current logging target is:\n`- /l"),
        ("get syslogsocket", "auto", "Current syslog socket is:\n`- auto"),
        ("get dbfile", "/d", "Current database file is:\n`- /d"),
        ("get dbfile", None, "Database currently disabled"),
        ("get dbmaxmatches", 10, "10"),
        ("get dbpurgeage", 86400, "Current database purge age is:\n`- 86400seconds"),
        ("set demo banip 192.0.2.1", 1, "1"),
        ("get demo banned", ["192.0.2.1"], "['192.0.2.1']"),
        ("get demo banip", ["192.0.2.1", "192.0.2.2"], "192.0.2.1 192.0.2.2"),
        ("get demo banip ,", ["192.0.2.1", "192.0.2.2"], "192.0.2.1,192.0.2.2"),
        ("get demo banip --with-time", ["a \tb", "c \td"], "a \tb\nc \td"),
        ("get demo banip", [], ""),
        ("get demo logpath", ["/a", "/b"], "Current monitored log file(s):\n|- /a\n`- /b"),
        ("set demo dellogpath /a", [], "No file is currently monitored"),
        ("get demo ignoreip", ["10.0.0.0/8"], "These IP addresses/networks are ignored:\n`- 10.0.0.0/8"),
        ("get demo ignoreip", [], "No IP address/network is ignored"),
        ("get demo failregex", ["a", "b"], "The following regular expression are defined:\n|- [0]: a\n`- [1]: b"),
        ("set demo delignoreregex 0", [], "No regular expression is defined"),
        ("get demo journalmatch", [["A=1", "B=2"], ["C=3"]], "Current match filter:\nA=1 B=2 + C=3"),
        ("get demo journalmatch", [], "No journal match filter set"),
        ("get demo logencoding", "UTF-8", "Current log encoding is set to:\nUTF-8"),
        ("get demo datepattern", [None, "Default Detectors"], "Current date pattern set to: Default Detectors"),
        ("get demo datepattern", ["%Y", "Year"], "Current date pattern set to: %Y (Year)"),
        ("get demo datepattern", None, "Current date pattern set to: Not set/required"),
        ("get demo actions", ["a", "b"], "The jail demo has the following actions:\na, b"),
        ("get demo actions", [], "No actions for jail demo"),
        ("get demo actionproperties a", ["p", "q"], "The jail demo action a has the following properties:\np, q"),
        ("get demo bantime", 3600, "3600"),
        ("get demo prefregex", "", ""),
        ("status", [["Number of jail", 2], ["Jail list", "ddd, demo"]],
         "Status\n|- Number of jail:\t2\n`- Jail list:\tddd, demo"),
        ("status", [["Number of jail", 0], ["Jail list", ""]], "Status\n|- Number of jail:\t0\n`- Jail list:\t"),
        ("status demo", JAIL, """\
Status for the jail: demo
|- Filter
|  |- Currently failed:\t2
|  |- Total failed:\t3
|  `- File list:\t/var/log/a.log /var/log/b.log
`- Actions
   |- Currently banned:\t1
   |- Total banned:\t1
   `- Banned IP list:\t192.0.2.10 192.0.2.11"""),
        ("status demo short", SHORT, """\
Status for the jail: demo
|- Filter
|  |- Currently failed:\t0
|  |- Total failed:\t0
|  `- Journal matches:\tA=1 + B=2
`- Actions
   |- Currently banned:\t0
   `- Total banned:\t0"""),
        ("status demo stats", ["polling", [1, 2], [3, 4]],
         "Status for the jail: demo\n`- polling:\tfailed 1 (total 2) and banned 3 (total 4)"),
        ("status --all short", [["Number of jail", 2], ["Jail list", "a, b"], ["x", [["a", SHORT], ["b", SHORT]]]], """\
Status
|- Number of jail:\t2
|- Jail list:\ta, b
`- Status for the jails:
   |- Jail: a
   |  |- Filter
   |  |  |- Currently failed:\t0
   |  |  |- Total failed:\t0
   |  |  `- Journal matches:\tA=1 + B=2
   |  `- Actions
   |     |- Currently banned:\t0
   |     `- Total banned:\t0
   `- Jail: b
      |- Filter
      |  |- Currently failed:\t0
      |  |- Total failed:\t0
      |  `- Journal matches:\tA=1 + B=2
      `- Actions
         |- Currently banned:\t0
         `- Total banned:\t0"""),
        ("status --all", [["Number of jail", 0], ["Jail list", ""], ["x", []]],
         "Status\n|- Number of jail:\t0\n`- Jail list:\t"),
        ("stats", {}, "No jails found."),
        ("stats", {"demo": ["pyinotify", [0, 19], [6, 6]]},
         ("          ║           ║ Filter    ║ Actions  \n"
         " Jail     ║ Backend   ╟───────────╫───────────\n"
         "          ║           ║ cur │ tot ║ cur │ tot\n"
         "══════════╬═══════════╬═══════════╬═══════════\n"
         " demo     ║ pyinotify ║   0 │  19 ║   6 │   6\n"
         "══════════╩═══════════╩═══════════╩═══════════")),
    ],
)  # fmt: skip
def test_layouts(words: str, value: Value, text: str) -> None:
    """Each answer is printed as Fail2ban's client prints it."""
    assert beautify(words.split(), value) == text


def test_a_terminal_without_lines_gets_ascii() -> None:
    """The table of `stats` survives any encoding."""
    text = beautify(["stats"], {"demo": ["polling", [0, 1], [2, 3]]}, unicode=False)
    assert text.isascii()
    assert text.splitlines()[3].replace("-", "") == "xxx"


def test_what_a_stranger_wrote_cannot_move_the_cursor() -> None:
    """An identifier from a log may hold anything; the terminal sees none of it."""
    tree: Value = [["Actions", [["Banned IP list", ["\x1b]0;owned\x07", "a\x9bb"]]]]]
    text = beautify(["status", "demo"], tree)
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\\x1b]0;owned\\x07" in text

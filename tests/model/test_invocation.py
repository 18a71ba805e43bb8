"""The command line that fail2ban-client and fail2ban-server share."""

from __future__ import annotations

import pytest

from sekisho.model.invocation import (
    Asked,
    Invocation,
    UsageError,
    parse_invocation,
    render_options,
    render_usage,
)


@pytest.mark.parametrize(
    ("line", "invocation"),
    [
        ("status sshd", Invocation(words=("status", "sshd"))),
        ("-c /etc/x -s /run/s ping", Invocation(words=("ping",), directory="/etc/x", overrides={"socket": "/run/s"})),
        ("set sshd unbanip --report-absent 192.0.2.1",
         Invocation(words=("set", "sshd", "unbanip", "--report-absent", "192.0.2.1"))),
        ("-vvq -x -f start", Invocation(words=("start",), verbosity=2, force=True, foreground=True)),
        ("-f -b start", Invocation(words=("start",))),
        ("-qqq ping", Invocation(words=("ping",), verbosity=0)),
        ("-t start", Invocation(words=("start",), tests=True)),
        ("--timeout 1m ping", Invocation(words=("ping",), timeout=60)),
        ("--async --pname me --loglevel DEBUG --logtarget STDERR --syslogsocket auto --pidfile /p start",
         Invocation(words=("start",), pname="me", overrides={
             "loglevel": "DEBUG", "logtarget": "STDERR", "syslogsocket": "auto", "pidfile": "/p"})),
        ("--str2sec 1d12h status", Invocation(words=("status",), asked=Asked.SECONDS, seconds=129600)),
        ("-d", Invocation(asked=Asked.DUMP)),
        ("--dump-pretty", Invocation(asked=Asked.DUMP_PRETTY)),
        ("-i", Invocation(asked=Asked.INTERACTIVE)),
        ("-h --nosuch", None),
        ("-h", Invocation(asked=Asked.HELP)),
        ("-V", Invocation(asked=Asked.SHORT_VERSION)),
        ("--version", Invocation(asked=Asked.VERSION)),
        ("--nosuch", None),
        ("-c", None),
    ],
)  # fmt: skip
def test_command_lines(line: str, invocation: Invocation | None) -> None:
    """Options end at the first word; an unknown one anywhere spoils the whole."""
    if invocation is None:
        with pytest.raises(UsageError) as caught:
            parse_invocation(line.split())
        assert caught.value.shows_usage
    else:
        assert parse_invocation(line.split()) == invocation


def test_a_time_that_means_nothing_says_so() -> None:
    """The message is the one that COMPAT 9, case 19, has."""
    with pytest.raises(UsageError, match=r"^name 'abc' is not defined$") as caught:
        parse_invocation(["--str2sec", "abc"])
    assert not caught.value.shows_usage


def test_a_server_gets_the_options_of_the_client_that_starts_it() -> None:
    """What the client was told about the server, the server is told."""
    told = parse_invocation(["-c", "/c", "-s", "/s", "-p", "/p", "-x", "--loglevel", "DEBUG", "start"])
    again = parse_invocation([*render_options(told), "start"])
    assert again == told


def test_the_usage_names_each_option_that_is_for_people() -> None:
    """The help is made from the table that the parser reads."""
    usage = render_usage("fail2ban-client")
    for option in ("-c, --conf DIR", "--str2sec TIME", "-t, --test", "-V", "--dp"):
        assert option in usage
    assert "--async" not in usage

"""What a reload has to do."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from sekisho.engine.api import Refused, Reload
from sekisho.engine.difference import ASPECT_OF, Aspect, actions_to_exchange, aspects, difference, wanted_jails
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.model.specs import ActionSpec, Configuration, FilterSpec, JailSpec, LogPath, ServerSpec

SSHD = JailSpec("sshd", FilterSpec("sshd", ("x <HOST>",)))
MAIL = JailSpec("postfix", FilterSpec("postfix", ("y <HOST>",)))


def test_nothing_changed_means_nothing_to_do() -> None:
    """A reload of the same tree touches no jail."""
    assert difference({"sshd": SSHD}, {"sshd": replace(SSHD)}).change == ()
    assert aspects(SSHD, replace(SSHD, settings={})) == Aspect(0)


def test_a_changed_number_touches_only_judging() -> None:
    """A new bantime restarts no firewall action and rereads no log."""
    assert aspects(SSHD, replace(SSHD, bantime=1, maxretry=9)) == Aspect.JUDGING
    assert aspects(SSHD, replace(SSHD, logpaths=(LogPath("/log"),))) == Aspect.SOURCES


def test_jails_come_and_go() -> None:
    """A jail that left is stopped, a new one started."""
    plan = difference({"sshd": SSHD, "old": MAIL}, {"sshd": SSHD, "new": MAIL})
    assert (plan.stop, plan.start, plan.change) == (("old",), (MAIL,), ())


def tree(*jails: JailSpec, failed: tuple[str, ...] = (), broken: bool = False) -> Configuration:
    """Return a configuration with a mistake of each kind that is asked for."""
    problems = tuple(Problem(Severity.ERROR, "is wrong", Origin("jail.local", 7), name) for name in failed)
    if broken:
        problems = (Problem(Severity.ERROR, "cannot be read", Origin("jail.local", 3)),)
    return Configuration(ServerSpec(), jails, problems, broken=broken, failed=failed)


RUNNING = {"sshd": SSHD, "postfix": MAIL}
CHANGED = replace(SSHD, maxretry=9)


def test_a_reload_of_all_keeps_the_faulty_as_they_run() -> None:
    """What is new comes, what is gone goes, and a jail that was broken by a mistake protects on."""
    assert wanted_jails(Reload(), tree(CHANGED, failed=("postfix", "never")), RUNNING) == {
        "sshd": CHANGED,
        "postfix": MAIL,
    }
    assert wanted_jails(Reload(), tree(CHANGED), RUNNING) == {"sshd": CHANGED}


def test_a_reload_of_one_touches_no_other() -> None:
    """Only the jail that was named takes its new form, or goes when it is no longer enabled."""
    other = replace(MAIL, maxretry=1)
    assert wanted_jails(Reload("sshd"), tree(CHANGED, other), RUNNING) == {"sshd": CHANGED, "postfix": MAIL}
    assert wanted_jails(Reload("sshd"), tree(other), RUNNING) == {"postfix": MAIL}
    assert wanted_jails(Reload("nosuch", if_exists=True), tree(other), RUNNING) == RUNNING


@pytest.mark.parametrize(
    ("request_", "fresh", "words"),
    [
        (Reload(), tree(broken=True), r"Failed during configuration: jail.local:3: cannot be read"),
        (Reload("sshd"), tree(failed=("sshd",)), r"Errors in jail 'sshd': jail.local:7: .*is wrong"),
        (Reload("nosuch"), tree(SSHD), r"No section: 'nosuch'"),
    ],
)
def test_what_cannot_be_reloaded_is_refused_with_file_and_line(
    request_: Reload, fresh: Configuration, words: str
) -> None:
    """The person who asked is told what is wrong and where."""
    with pytest.raises(Refused, match=words):
        wanted_jails(request_, fresh, RUNNING)


def test_an_action_that_stays_the_same_stays_up() -> None:
    """Only what differs is taken down or brought up."""
    drop = ActionSpec("nftables", "nftables", {"port": "ssh"}, "nftables")
    mail = ActionSpec("mail", "mail", {}, "mail")
    wider = replace(drop, properties={"port": "0:65535"})
    assert actions_to_exchange((drop, mail), (wider, mail)) == ({"nftables"}, {"nftables"})
    assert actions_to_exchange((drop,), (drop, mail)) == (set(), {"mail"})


def test_every_option_of_a_jail_belongs_to_an_aspect() -> None:
    """A field that a reload forgot would be a change without effect."""
    assert {field.name for field in fields(JailSpec)} - {"name", "settings"} == set(ASPECT_OF)

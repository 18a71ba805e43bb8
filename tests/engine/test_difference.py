"""What a reload has to do."""

from __future__ import annotations

from dataclasses import fields, replace

from sekisho.engine.difference import _ASPECT_OF, Aspect, actions_to_exchange, aspects, difference
from sekisho.model.specs import ActionSpec, FilterSpec, JailSpec, LogPath

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


def test_jails_come_and_go_and_faulty_ones_are_kept() -> None:
    """A jail that left is stopped, a new one started; one whose new version is wrong goes on."""
    plan = difference(
        {"sshd": SSHD, "old": MAIL, "faulty": MAIL}, {"sshd": SSHD, "new": MAIL}, keep=frozenset({"faulty"})
    )
    assert (plan.stop, plan.start, plan.change) == (("old",), (MAIL,), ())


def test_an_action_that_stays_the_same_stays_up() -> None:
    """Only what differs is taken down or brought up."""
    drop = ActionSpec("nftables", "nftables", {"port": "ssh"}, "nftables")
    mail = ActionSpec("mail", "mail", {}, "mail")
    wider = replace(drop, properties={"port": "0:65535"})
    assert actions_to_exchange((drop, mail), (wider, mail)) == ({"nftables"}, {"nftables"})
    assert actions_to_exchange((drop,), (drop, mail)) == (set(), {"mail"})


def test_every_option_of_a_jail_belongs_to_an_aspect() -> None:
    """A field that a reload forgot would be a change without effect."""
    assert {field.name for field in fields(JailSpec)} - {"name", "settings"} == set(_ASPECT_OF)

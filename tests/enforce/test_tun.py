"""Tests of enforce.tun, in a network namespace; tests/enforce/test_trace.py sends packets through it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.support.namespace import SERVER6, play_in_namespace, run

from sekisho.enforce import tun
from sekisho.enforce.probe import DEVICE
from sekisho.enforce.tun import Untraceable

pytestmark = pytest.mark.system


def test_the_device_is_there_for_as_long_as_it_is_held() -> None:
    """One at a time; afterwards it is gone."""

    async def play() -> None:
        with tun.device():
            assert DEVICE in run("ip", "-o", "link")
            with pytest.raises(Untraceable, match="another trace is under way"), tun.device():
                pass
        assert DEVICE not in run("ip", "-o", "link")

    play_in_namespace(play)


def test_without_the_device_the_reason_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that has no TUN: what is missing is said."""
    monkeypatch.setattr(tun, "_TUN", "/nonexistent/tun")
    with pytest.raises(Untraceable, match="/nonexistent/tun: No such file"), tun.device():
        pass


def test_a_host_knows_by_which_address_it_speaks() -> None:
    """Of the family that is asked for; never the loopback's, for which nobody's does."""
    assert str(tun.own_address(ip_address("127.0.0.1"))) == "192.0.2.1"
    assert str(tun.own_address(ip_address("::1"))) == "2001:db8::1"

    async def play() -> None:
        assert [tun.own_address(ip_address(who)).version for who in ("198.51.100.66", SERVER6)] == [4, 6]

    play_in_namespace(play)

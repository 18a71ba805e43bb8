"""A jail's ignorecommand and its cache, as its section sets them."""

from __future__ import annotations

from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.specs import IgnoreCacheSpec, IgnoreCommandSpec

_JAIL = "[j]\nenabled = true\nfilter = f\nbackend = systemd\naction = observe\n"
_FILTER = {"filter.d/f.conf": "[Definition]\nfailregex = ^fail from <HOST>$\njournalmatch = A=1\n"}


def test_command_and_cache_are_one_thing(tree: Tree) -> None:
    """What the cache leaves out has Fail2ban's defaults."""
    options = 'ignorecommand = /usr/bin/friend <ip>\nignorecache = key="<F-USER>@<ip-host>", max-time = 1h\n'
    configuration = load(tree({**_FILTER, "jail.local": _JAIL + options}))
    cache = IgnoreCacheSpec("<F-USER>@<ip-host>", 100, 3600)
    assert configuration.jails[0].ignorecommand == IgnoreCommandSpec("/usr/bin/friend <ip>", cache)


def test_a_cache_that_is_not_understood_is_told(tree: Tree) -> None:
    """With its place and how it is written."""
    configuration = load(tree({**_FILTER, "jail.local": f"{_JAIL}ignorecache = <ip> for ever\n"}))
    (problem,) = [problem for problem in configuration.problems if "ignorecache" in problem.text]
    assert problem.origin is not None
    assert problem.origin.line == 6
    assert "max-count=100" in problem.text

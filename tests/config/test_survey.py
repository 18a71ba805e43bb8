"""Who set what."""

from __future__ import annotations

from pathlib import Path

from tests.config.conftest import Tree

from sekisho.config.files import is_stock
from sekisho.config.survey import survey
from sekisho.model.problem import Origin


def test_each_value_has_the_place_that_set_it(tree: Tree) -> None:
    """Jail, filter, action, by file and line: arguments stand in the jail, conditional parameters in their section."""
    files = {
        "filter.d/f.conf": "[Definition]\nfailregex = ^f <HOST>$\n[Init]\nmode = a\n",
        "action.d/a.conf": "[Definition]\nactionban = x <p> <q>\n[Init]\np = 1\n[Init?family=inet6]\nq = 2\n",
        "jail.local": "[j]\nenabled = true\nfilter = f[mode=b]\naction = a[p=5]\n",
    }
    (jail,) = survey(tree(files)).jails
    assert jail.filter is not None
    jails, (action,) = Origin("jail", 1), jail.actions
    places = [jail.filter.origin(name, jails) for name in ("mode", "failregex")]
    places += [action.origin(name, jails) for name in ("p", "actionban", "q?family=inet6")]
    assert [f"{Path(place.file).name}:{place.line}" for place in places] == [
        "jail:1",
        "f.conf:2",
        "jail:1",
        "a.conf:2",
        "a.conf:6",
    ]
    assert jail.own("action")
    assert not jail.own("maxretry")
    assert str(jail.place("maxretry")).endswith("jail.local:2"), "the stock sets it: the jail's own place is told"
    assert is_stock(jail.spec.settings["maxretry"].origin)


def test_filters_of_jails_that_are_off_are_known(tree: Tree) -> None:
    """Whoever wrote of a jail may enable it again; a mistake there is nobody's hindrance."""
    files = {"jail.local": "[off]\nfilter = f[x=%(__name__)s]\n[bad]\nfilter = %(nosuch)s\n[odd]\nfilter = f[[\n"}
    assert set(survey(tree(files)).filters_named()) == {"f"}

"""What the groups of a match say."""

from __future__ import annotations

import re

import pytest

from sekisho.match.groups import GroupReader, Groups, Who, text_of, who_of
from sekisho.match.tags import expand_tags
from sekisho.model.address import parse_subject


def groups_in(expression: str, text: str) -> Groups:
    """The groups of a match."""
    pattern = re.compile(expand_tags(expression))
    found = pattern.search(text)
    assert found is not None
    return GroupReader(pattern).read(found)


def test_an_alternative_fills_an_empty_group() -> None:
    """`F-ALT_USER` and `F-ALT_USER_1` stand for `user`; `F-ALT_USER1` for `user1`."""
    assert groups_in("(?:<F-USER>u</F-USER>|<F-ALT_USER_1>v</F-ALT_USER_1>)", "v")["user"] == "v"
    assert groups_in("<F-USER>u</F-USER><F-ALT_USER>v</F-ALT_USER>", "uv")["user"] == "u"
    assert groups_in("<F-ALT_USER1>bob</F-ALT_USER1>", "bob") == {"alt_user1": "bob", "user1": "bob"}


def test_a_tuple_joins_its_parts() -> None:
    """The group itself comes first, None where it is absent, then the parts in order."""
    assert groups_in("<F-ID>bar</F-ID><F-TUPLE_ID>foo</F-TUPLE_ID>", "barfoo")["fid"] == ("bar", "foo")
    assert groups_in("<F-TUPLE_USER>a</F-TUPLE_USER><F-TUPLE_USER_2>b</F-TUPLE_USER_2>", "ab")["user"] == (
        None,
        "a",
        "b",
    )
    assert text_of(("bar", "foo")) == "('bar', 'foo')"


def test_skipped_lines_are_nobody_s_business() -> None:
    """Groups of `<SKIPLINES>` are not captured."""
    assert groups_in("a<SKIPLINES><F-USER>b</F-USER>", "a\nx\nb") == {"user": "b"}


@pytest.mark.parametrize(
    ("groups", "usedns", "who"),
    [
        ({"ip4": "192.0.2.1"}, "no", Who(parse_subject("192.0.2.1"))),
        ({"ip4": "1.2.3.4", "cidr": "24"}, "no", Who(parse_subject("1.2.3.0/24"))),
        ({"ip4": "1.2.3.400"}, "no", Who(parse_subject("1.2.3.400"))),
        ({"fid": "foo/bar"}, "no", Who(parse_subject("foo/bar"))),
        ({"fid": "id", "ip6": "2001:DB8::1"}, "no", Who(parse_subject("id"), address=parse_subject("2001:db8::1"))),
        ({"fid": "192.0.2.1", "ip4": "192.0.2.1"}, "no", Who(parse_subject("192.0.2.1"))),
        ({"dns": "192.0.2.1"}, "no", Who(parse_subject("192.0.2.1"))),
        ({"dns": "example.com"}, "warn", Who(hostname="example.com")),
        ({"dns": "example.com", "fid": "id"}, "yes", Who(hostname="example.com")),
        ({"dns": "example.com"}, "raw", Who(parse_subject("example.com"))),
        ({"dns": "example.com", "fid": "id"}, "raw", Who(parse_subject("id"), address=parse_subject("example.com"))),
        ({"user": "root"}, "warn", Who()),
    ],
)
def test_the_identifier_follows_from_the_groups(groups: Groups, usedns: str, who: Who) -> None:
    """Addresses before names, an F-ID before both, names only by look-up (COMPAT 2.3, 2.6)."""
    assert who_of(groups, usedns=usedns) == who
    assert who_of(groups, usedns=usedns).is_known == bool(groups.keys() - {"user"})

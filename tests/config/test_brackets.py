"""Names with arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.config.brackets import parse_brackets, split_entries


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("a", "a", {}),
        ("a[]", "a", {}),
        ("a[ ]", "a", {}),
        ("a[x=1]", "a", {"x": "1"}),
        ("a [x=1]", "a ", {"x": "1"}),
        ("a[x=1][y=2]", "a", {"x": "1", "y": "2"}),
        ("a[x=1] [y=2]", "a", {"x": "1", "y": "2"}),
        ("a[x=1,]", "a", {"x": "1"}),
        ("a[x=]", "a", {"x": ""}),
        ("a[X=up, x=b c]", "a", {"X": "up", "x": "b c"}),
        ('a[x="a]b",y=\'q"\']', "a", {"x": "a]b", "y": 'q"'}),
        ('a[x="1]', "a", {"x": '"1'}),
        ("a[x=a=b]", "a", {"x": "a=b"}),
        ("a[x=a[b]", "a", {"x": "a[b"}),
        ("a[x=1;y=2]", "a", {"x": "1;y=2"}),
        ('a[x="one\ntwo"]', "a", {"x": "one\ntwo"}),
        ('a[x="1", x=2]', "a", {"x": "2"}),
        ("a[x-y.z=3]", "a", {"x-y.z": "3"}),
        ('a[n?family=inet6="v"]', "a", {"n?family=inet6": "v"}),
    ],
)
def test_names_and_arguments_are_read(text: str, name: str, arguments: dict[str, str]) -> None:
    """What Fail2ban understands is understood alike (each line asked of Fail2ban 1.0.2, the last is of 1.1.1)."""
    assert parse_brackets(text) == (name, arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a[x="1"]b', "unexpected option syntax"),
        ("[x=1]", "unexpected option syntax"),
        ("a[x=1", "unexpected option syntax"),
        ("a[1]", "expected option, wrong syntax at 0: 1"),
        ("a[x]", "expected option, wrong syntax at 0: x"),
        ("a[,x=1]", "expected option, wrong syntax at 0: ,x=1"),
        ("a[a b=1]", "expected option, wrong syntax at 0: a b=1"),
        ('a[x="1" y=2]', "unexpected syntax at 5 after option 'x':  y=2"),
        ('a[x="1"y=2]', "unexpected syntax at 5 after option 'x': y=2"),
        ('a[x=a"b,c"d]', 'expected option, wrong syntax at 6: c"d'),
        ("a[x='a,b'c]", "unexpected syntax at 7 after option 'x': c"),
    ],
)
def test_mistakes_are_told_in_fail2bans_words(text: str, message: str) -> None:
    """People search for these texts (COMPAT 1.4)."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        parse_brackets(text)
    assert str(caught.value) == message


def test_entries_are_split_outside_brackets_only() -> None:
    """An `action` names several, by blanks or lines; arguments may hold both (COMPAT 1.4)."""
    text = '\nnote[port="22,80", extra=\'a,"b" ]c\']\n  mail[to="x\n y"]   drop '
    assert split_entries(text) == ['note[port="22,80", extra=\'a,"b" ]c\']', 'mail[to="x\n y"]', "drop"]
    assert split_entries(" \n ") == []


@given(st.text(alphabet="ab=,[]\"' \n?x1"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Hostile brackets end in a value or a ValueError, and splitting loses nothing but white space."""
    assert "".join("".join(split_entries(text)).split()) == "".join(text.split())
    try:
        name, _ = parse_brackets(text)
    except ValueError:
        return
    assert text.startswith(name)

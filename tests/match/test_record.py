"""Records: what is one, and what a value says as text."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cost import outgrows

from sekisho.match.record import Record, Refused, parse_json, parse_logfmt, plain, text_of

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
WORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"], exclude_characters='"='), min_size=1)


def why(found: Record | Refused) -> str:
    """Why a text is no record."""
    assert isinstance(found, Refused), found
    return found.why


@given(record=st.dictionaries(st.text(), VALUES), ascii_only=st.booleans())
def test_what_was_written_is_read(record: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    """An object is read as it was written, its numbers as the text that they are."""
    text = json.dumps(record, ensure_ascii=ascii_only)
    assert parse_json(text) == json.loads(text, parse_int=str, parse_float=str)


@given(st.text() | st.text(string.punctuation + string.digits + "truefalsn"))
def test_no_text_raises(text: str) -> None:
    """Whatever a line holds: a record, or a reason."""
    assert isinstance(parse_json(text), dict | Refused)
    assert isinstance(parse_logfmt(text), dict | Refused)


@given(st.dictionaries(st.text(), st.text(), min_size=1), st.text(min_size=1))
def test_half_a_record_is_none(record: dict[str, str], more: str) -> None:
    """Neither a beginning of an object nor an object with text behind it is one; blanks alone may follow."""
    text = json.dumps(record)
    for end in range(len(text)):
        assert isinstance(parse_json(text[:end]), Refused)
    assert isinstance(parse_json(text + more), dict) is (not more.strip(" \t\r\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"ip":"192.0.2.1","ip":"198.51.100.66"}', "the key 'ip' stands twice in one object"),
        ('{"a":{"ip":"192.0.2.1","i\\u0070":"198.51.100.66"}}', "the key 'ip' stands twice in one object"),
        ('{"a":1} {"a":1}', "it is no whole JSON object: Extra data at character 9"),
        ('{"a":1}\0', "it is no whole JSON object: Extra data at character 8"),
        ('{"a":"\0"}', "it is no whole JSON object: Invalid control character at at character 7"),
        ("\ufeff{}", "it is no JSON object"),
        ("", "it is no JSON object"),
        ('{"a":NaN}', "NaN is no number"),
        ('{"a":-Infinity}', "-Infinity is no number"),
        ('["a"]', "it is no JSON object"),
        ('"a"', "it is no JSON object"),
        ('{"a":' + "[" * 60000, "its objects lie too deep in each other"),
        ('{"a":' * 10000 + "1" + "}" * 10000, "its objects lie too deep in each other"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str, reason: str) -> None:
    """With the reason, which an administrator is told."""
    assert why(parse_json(text)) == reason


def test_numbers_of_any_length_are_read() -> None:
    """A number is its digits: Python's limit on them is for those who count with it."""
    assert parse_json('{"a":' + "9" * 60000 + "}") == {"a": "9" * 60000}
    assert parse_json('{"a":1e999,"b":-0.0}') == {"a": "1e999", "b": "-0.0"}


@pytest.mark.parametrize(
    "text",
    ['{"' + "a" * 200000, "[" * 200000, '{"a":"' + "\\u0041" * 40000 + '"}', '{"a":1,' * 40000,
     "{" + ",".join(f'"{number}":1' for number in range(30000)) + ',"0":1}'],
)  # fmt: skip
def test_a_long_line_costs_no_more_than_its_length(text: str) -> None:
    """Sixteen times the text takes some sixteen times as long, not two hundred and fifty-six times."""

    def read(line: str) -> None:
        parse_json(line)
        parse_logfmt(line.replace('":', "=").replace(",", " ").strip('{"'))

    assert not outgrows(read, text[: len(text) // 16], text, most=64, nothing=0.02)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("level=info msg=hello", {"level": "info", "msg": "hello"}),
        (' time="2026-07-14T11:00:00Z"\tmsg="a \\"b\\" \\n c\\\\"  empty= ', {
            "time": "2026-07-14T11:00:00Z", "msg": 'a "b" \n c\\', "empty": ""}),
        ('q="" url=/x?a=b&c=d', {"q": "", "url": "/x?a=b&c=d"}),
        (r'a="\u00e9\x41\U0001f600\t"', {"a": "éA\U0001f600\t"}),
        (r'a="\UFFFFFFFF"', {"a": "\ufffd"}),
    ],
)  # fmt: skip
def test_logfmt(text: str, record: dict[str, str]) -> None:
    """Pairs, values in quotes with Go's escapes, empty ones, and equals signs within a bare value."""
    assert parse_logfmt(text) == record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("failed login user=x", "it is no logfmt: at character 1 stands no key=value"),
        ("user=x y ip=192.0.2.1", "it is no logfmt: at character 8 stands no key=value"),
        ('user="x" ip=192.0.2.1 msg="half', "it is no logfmt: at character 23 stands no key=value"),
        ('user="x"y ip=192.0.2.1', "it is no logfmt: at character 1 stands no key=value"),
        ("user=x ip=198.51.100.66 ip=192.0.2.1", "the key 'ip' stands twice"),
        ("user=x\0 ip=192.0.2.1", "it is no logfmt: at character 1 stands no key=value"),
        ("", "it is empty"),
    ],
)
def test_what_is_no_logfmt_is_refused(text: str, reason: str) -> None:
    """Words that are no pair, quotes that do not end, a key that stands twice."""
    assert why(parse_logfmt(text)) == reason


def test_a_blank_of_another_alphabet_parts_no_pairs() -> None:
    """Writers put quotes around blanks, and only some of these count as one: a name with another stays one value."""
    assert parse_logfmt("user=x\u00a0ip=198.51.100.66\u2003y ip=192.0.2.1") == {
        "user": "x\u00a0ip=198.51.100.66\u2003y",
        "ip": "192.0.2.1",
    }


@given(st.dictionaries(WORDS, WORDS, min_size=1))
def test_logfmt_is_read_as_it_was_written(record: dict[str, str]) -> None:
    """Pairs of words."""
    assert parse_logfmt(" ".join(f"{key}={value}" for key, value in record.items())) == record


@given(st.text(st.characters(exclude_categories=[])))
def test_every_text_can_be_stored_and_is_one_line(text: str) -> None:
    """No half surrogate, no NUL, no end of a line; and what is fine stays."""
    told = plain(text)
    assert not {"\0", "\r", "\n"} & set(told)
    told.encode()
    if text.isprintable() and text.isascii():
        assert told == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"a\nb"), ("\ud800x\0", "\ufffdx\ufffd"), (True, "true"), (False, "false"), (None, None),
        ({"a": 1}, None), (["x", "y"], "x"), ([], None), ([[["x"]]], "x"), ([{"a": 1}], None),
    ],
)  # fmt: skip
def test_values_as_text(value: object, text: str | None) -> None:
    """A list is its first element; objects and nothing are no text."""
    assert text_of(value) == text

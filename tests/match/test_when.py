"""The options of a filter that reads records."""

from __future__ import annotations

import pytest

from sekisho.match.when import RecordError, compile_record
from sekisho.model.specs import RecordSpec


def error_of(**options: str) -> RecordError:
    """What is said of wrong options."""
    given = {"logformat": "json"} | {name: (text,) for name, text in options.items() if name != "logformat"} | {
        name: text for name, text in options.items() if name == "logformat"}  # fmt: skip
    with pytest.raises(RecordError) as caught:
        compile_record(RecordSpec(**given))  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("option", "text", "why"),
    [
        ("logformat", "xml", "'logformat': logformat is 'xml'; known are"),
        ("when", "status 401", "'when': expected one of ="),
        (
            "when",
            "status = 401",
            "'when': it tells nobody whom it concerns; set `host` or `id`, or put <HOST> behind a ~",
        ),
        ("ignorewhen", "status", "'ignorewhen': expected one of ="),
        ("host", 'ip "x', "'host': a quote is not closed: '\"x'"),
        ("fields", "ip", "'fields': expected NAME=FIELD, found 'ip'"),
        ("fields", "nofail=x", "'fields': the name 'nofail' has a meaning of its own; choose another"),
        ("fields", "MLFTRY=x", "'fields': the name 'MLFTRY' has a meaning of its own; choose another"),
        ("fields", "ALT_USER=x", "'fields': the name 'ALT_USER' has a meaning of its own; choose another"),
    ],
)
def test_a_wrong_option_is_named(option: str, text: str, why: str) -> None:
    """With the text of it that is wrong, so that its line can be found."""
    error = error_of(**{option: text})
    assert (error.option, error.part) == (option, text)
    assert str(error).startswith(why)


def test_a_rule_may_name_somebody_itself() -> None:
    """By a tag in an expression, without `host`."""
    rules = compile_record(RecordSpec("json", when=(r"msg ~ ^from <HOST>$",)))
    assert not rules.names_somebody
    assert rules.whens[0].captured({"msg": "from 192.0.2.1"}) == {"ip4": "192.0.2.1"}


def test_what_fields_add() -> None:
    """Host, user, id and further ones, under the names that actions know; an expression's own finding goes before."""
    spec = RecordSpec(
        "json", host=("client ip",), user=("user",), id=("session",), fields=("port=req.port A-B=x", 'c="d e"')
    )
    record = {"ip": "192.0.2.1:80", "user": "bob", "session": "s1", "req": {"port": "443"}, "x": "1", "d e": "2"}
    rules = compile_record(spec)
    assert rules.completed({}, record) == {
        "ip4": "192.0.2.1", "user": "bob", "fid": "s1", "fport": "443", "a_b": "1", "c": "2"}  # fmt: skip
    assert rules.completed({"dns": "a.example", "user": "eve"}, record) == {
        "dns": "a.example", "user": "eve", "fid": "s1", "fport": "443", "a_b": "1", "c": "2"}  # fmt: skip


def test_the_first_field_decides() -> None:
    """Where it names nobody, no later one does: what stands behind may be a stranger's."""
    rules = compile_record(RecordSpec("json", host=("peer forwarded",)))
    assert rules.completed({}, {"peer": "@", "forwarded": "198.51.100.66"}) == {}
    assert rules.completed({}, {"peer": "", "forwarded": "192.0.2.1"}) == {"ip4": "192.0.2.1"}


def test_a_wrapped_text_has_no_fields() -> None:
    """With `docker` alone a file's `when` is for another format, and is not read."""
    assert compile_record(RecordSpec("docker", when=("nonsense",))).whens == ()

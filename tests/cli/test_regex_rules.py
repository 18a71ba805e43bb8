"""Where the expressions of a fail2ban-regex come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.cli.regex_rules import Chosen, Unusable, choose_rules, shortened


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A tree with a filter that says how many lines it needs, and one that does not."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "one.conf").write_text(
        "[Definition]\nfailregex = one <HOST>\nignoreregex = own\nmaxlines = 1\n"
    )
    (tmp_path / "filter.d" / "two.local").write_text("[Definition]\nfailregex = two <HOST>\n")
    return tmp_path


def test_what_is_no_name_is_an_expression(directory: Path) -> None:
    """Also a name with an end that no file has."""
    for text in ("from <HOST>", "nosuch", "two.conf", "one["):
        rules = choose_rules(Chosen(text, directory=directory))
        assert rules.spec.failregex == (text,)
        assert rules.heading == (f"Use   failregex line : {text}",)


def test_settings_are_named_where_they_come_from(directory: Path) -> None:
    """The command line's above the filter, the filter's own below; one line only if the filter says so."""
    told = f"Use   failregex filter file : one, basedir: {directory}"
    chosen = Chosen("one", directory=directory, directory_name=str(directory))
    assert choose_rules(chosen).heading == (told, "Use         maxlines : 1")
    rules = choose_rules(
        Chosen("one", directory=directory, directory_name=str(directory), maxlines=3, datepattern="%Y")
    )
    assert rules.heading == ("Use         maxlines : 3", "Use      datepattern : %Y : Year", told)
    assert rules.spec.maxlines == 3
    assert choose_rules(Chosen("two", directory=directory)).heading[1:] == ()


def test_a_file_is_named_as_it_was_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its tree, from wherever it is seen."""
    monkeypatch.chdir(directory.parent)
    name = f"./{directory.name}/filter.d/one.conf"
    assert choose_rules(Chosen(name)).heading[0] == f"Use   failregex filter file : one, basedir: ./{directory.name}"


def test_exceptions_replace_the_filters_own(directory: Path) -> None:
    """Be they an expression or a filter's."""
    assert choose_rules(Chosen("one", ignoreregex="x", directory=directory)).spec.ignoreregex == ("x",)
    path = str(directory / "filter.d" / "one.conf")
    assert choose_rules(Chosen("<HOST>", ignoreregex=path, directory=directory)).spec.ignoreregex == ("own",)


def test_nonsense_is_refused() -> None:
    """No expression reaches over less than a line."""
    with pytest.raises(Unusable, match="maxlines must be integer greater than zero"):
        choose_rules(Chosen("<HOST>", maxlines=-1))


def test_several_date_patterns_stand_on_a_line_each() -> None:
    """And have their first one's name, or that of a crowd."""
    assert choose_rules(Chosen("<HOST>", datepattern="%Y\n%m")).heading[0].endswith("%Y\n%m : Year")
    rules = choose_rules(Chosen("<HOST>", datepattern="%Y\n%m\n%d"))
    assert rules.heading[0].endswith(" : Default Detectors")
    assert rules.spec.datepattern == ("%Y", "%m", "%d")


def test_long_texts_are_shown_in_short() -> None:
    """The heading stays readable."""
    assert shortened("x" * 53) == "x" * 53
    assert shortened("x" * 54) == "x" * 50 + "..."

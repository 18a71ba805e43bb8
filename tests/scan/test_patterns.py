"""Patterns: plain text that both engines read alike, and what is said to be in every odd line."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sekisho.match.datepattern import default_templates
from sekisho.match.datetemplate import DateTemplate
from sekisho.scan.patterns import ODD_DATES, Pattern

NOT_ANCHORED = [template for template in default_templates() if not template.is_anchored]
BEGIN_ODDLY = [template for template in NOT_ANCHORED if template.text.startswith(("%d", "(?:%z )?", "@"))]
ONE_LINE = st.characters(codec="utf-8", exclude_characters="\r\n")


@given(st.binary(min_size=1, max_size=20))
def test_a_literal_is_found_as_it_is(literal: bytes) -> None:
    """No byte of it has a meaning of its own."""
    pattern = Pattern.of_literal(literal, 1, caseless=False)
    found = pattern.compiled().search(b"\n" + literal)
    assert found is not None
    assert found[0] == literal


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.sampled_from(BEGIN_ODDLY), st.data())
def test_every_date_that_may_stand_right_behind_a_word_is_an_odd_one(
    template: DateTemplate, data: st.DataObject
) -> None:
    """Drawn from the default kinds of date themselves, in any case; labels are of times since 1970."""
    date = data.draw(st.from_regex(template.regex, fullmatch=True, alphabet=ONE_LINE))
    date = f"@4{date[2:]}" if date[0] == "@" else date
    line = data.draw(st.from_regex(r"\w", fullmatch=True, alphabet=ONE_LINE)) + date
    found = template.search(line)
    assume(found is not None and found.start(1) == 1)
    assert re.search(ODD_DATES, line.encode(), re.IGNORECASE)


@settings(deadline=None)
@given(st.sampled_from([template for template in NOT_ANCHORED if template not in BEGIN_ODDLY]), st.data())
def test_no_other_date_begins_with_what_belongs_to_no_word(template: DateTemplate, data: st.DataObject) -> None:
    """So it cannot stand right behind a word at all."""
    assert data.draw(st.from_regex(template.regex, fullmatch=True, alphabet=ONE_LINE))[0].isalnum()

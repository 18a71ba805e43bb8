"""A record costs no more than its length, whatever text stands in its fields (lines of text: `test_growth`)."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
from tests.corpus.test_corpus import LOGS, NOW, central_europe, stamp_of, stock_rules
from tests.support.cost import outgrows
from tests.support.records import texts_of, with_text

__all__ = ["central_europe"]  # a fixture

SHORT, LONG = 4096, 32768
FILLINGS = (
    "a", " ", "a ", ".", "(", " (", "[", "<", ">", ",", '"', "'", ": ", "/a", "\\", "1", ":1", "a@", "[]", "): ", '"x',
    " from ", " from x", " from 192.0.2.1 port 22 ssh2", " ssh2: ", " user=<", ">, rip=192.0.2.1", " ehlo=1",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in LOGS if stock_rules(LOGS[name][0]).filter.record is not None])
def test_work_grows_with_a_records_text(name: str) -> None:
    """Eight times the text in a field takes some eight times the work; it is written so that the record stays whole."""
    matcher, choice = stock_rules(LOGS[name][0]).matcher, Random(name)
    slow = []
    samples = [sample for sample in LOGS[name] if any(texts_of(sample["line"])) and len(sample["line"]) < SHORT]
    for sample in choice.sample(samples, min(8, len(samples))):
        for filling in FILLINGS:
            path, text = choice.choice(list(texts_of(sample["line"])))
            place = choice.randrange(max(1, len(text)))  # before its last sign, which ends what Docker wraps
            few, many = (
                with_text(sample["line"], path, text[:place] + (filling * size)[:size] + text[place:])
                for size in (SHORT, LONG)
            )
            examine = partial(matcher.examine, now=NOW, stamp=stamp_of(sample), check_all=True)
            if outgrows(examine, few, many, most=24, nothing=0.005):
                slow.append(f"{filling!r} in {path} of {sample['line']}")
    assert slow == []

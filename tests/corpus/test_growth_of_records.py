"""A record costs no more than its length, whatever text stands in its fields (lines of text: `test_growth`)."""

from __future__ import annotations

import time
from random import Random

import pytest
from tests.corpus.test_corpus import LOGS, NOW, Sample, central_europe, stamp_of, stock_rules
from tests.support.records import texts_of, with_text

from sekisho.match.matcher import Matcher

__all__ = ["central_europe"]  # a fixture

SHORT, LONG = 4096, 32768
FILLINGS = (
    "a", " ", "a ", ".", "(", " (", "[", "<", ">", ",", '"', "'", ": ", "/a", "\\", "1", ":1", "a@", "[]", "): ", '"x',
    " from ", " from x", " from 192.0.2.1 port 22 ssh2", " ssh2: ", " user=<", ">, rip=192.0.2.1", " ehlo=1",
)  # fmt: skip


def fastest(matcher: Matcher, sample: Sample, line: str) -> float:
    """Seconds of this process for a line in the place of the sample's; the better of two runs."""
    best = 1e9
    for _ in range(2):
        begin = time.process_time()
        matcher.examine(line, now=NOW, stamp=stamp_of(sample), check_all=True)
        best = min(best, time.process_time() - begin)
    return best


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
            short, long = (
                fastest(matcher, sample, with_text(
                    sample["line"], path, text[:place] + (filling * size)[:size] + text[place:]))
                for size in (SHORT, LONG)
            )  # fmt: skip
            if long > 24 * short + 0.005:
                slow.append(f"{short:.4f} s, then {long:.4f} s: {filling!r} in {path} of {sample['line']}")
    assert slow == []

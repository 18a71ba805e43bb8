"""What a scanner looks for: byte patterns that Hyperscan and `re` read alike, each with the rules it speaks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONG_S = rb"\xc5\xbf"
_MONTH = rb"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|%bep)" % _LONG_S
_DAY = rb"(mon|tue|wed|thu|fri|sat|sun|fr\xc4[\xb0\xb1]|%b(at|un))" % _LONG_S

ODD_DATES = rb"[\x80-\xff0-9A-Za-z_](%b|%b|%b)" % (
    rb"@4[0-9a-f]",
    rb"[+-][01][0-9](:?[0-9][0-9])? (%b|%b) " % (_DAY, _MONTH),
    rb" [1-9][-/][0-9a-z\xc5\xbf]{1,4}[-/]",
)
"""A date that a default template accepts right behind a word, so that its cut joins a word and a non-word character.

Without regard to case: a TAI64N label of a time since 1970 (no other is in a log), a zone before the name of a day or
month, a day that is written with a blank. What is looked for is short where it can be: each start compiles it.
"""

ODD_LETTERS = rb"\xc4\xb0|\xc4\xb1|\xc5\xbf|\xe2\x84\xaa"
"""The letters besides ASCII's own that `re.IGNORECASE` takes for i, s and k, in UTF-8."""

ODD_ESCAPES = (
    rb"\\(u00|x|U000000)(0[ADad]|2[013-589A-Ea-e]|3[0-9ABDFabdf]|[457][0-9A-Fa-f]|6[1-9A-Fa-f])"
    rb"|\\u(013[01]|017[Ff]|212[Aa])"
)
"""A character written by its number in quotes that nobody need write so, or one of `ODD_LETTERS` written so.

Those that writers of JSON do write so to be safe in a web page are left out: the double and the single quote, the
ampersand, the slash, angle brackets and the grave accent. No literal of a record's rule holds one (`literals`).
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One expression, its case rule, and the bit mask of the rules that may match where it is found."""

    expression: bytes
    mask: int
    caseless: bool = False

    @classmethod
    def of_literal(cls, literal: bytes, mask: int, *, caseless: bool) -> Pattern:
        """The pattern of plain text: every byte that is not a letter or digit is written in hexadecimal."""
        text = "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}" for byte in literal)
        return cls(text.encode("ascii"), mask, caseless)

    def compiled(self) -> re.Pattern[bytes]:
        """The same for Python's `re`."""
        return re.compile(self.expression, re.IGNORECASE if self.caseless else 0)

"""What a scanner looks for: byte patterns that Hyperscan and `re` read alike, each with the rules it speaks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

ODD_DATES = rb"[\x80-\xff0-9A-Za-z_](@[0-9A-Fa-f]{24}|[+-][0-9][0-9](:?[0-9][0-9])? [A-Za-z])"
"""A date that a default template accepts right behind a word, so that its cut joins a word and a non-word character."""

ODD_LETTERS = rb"\xc4\xb0|\xc4\xb1|\xc5\xbf|\xe2\x84\xaa"
"""The letters besides ASCII's own that `re.IGNORECASE` takes for i, s and k, in UTF-8."""


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

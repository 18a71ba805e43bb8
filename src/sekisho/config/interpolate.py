"""`%( )s`: one option's text put into another's (COMPAT 1.3).

    %(name)s            a given value, the section's option, the one of [DEFAULT]
    %(default/name)s    the one of [DEFAULT]
    %(sect/name)s       that of another section, expanded as if it stood here
    %(known/name)s      what the option was before the layer that sets it now; in a jail, the filter's option
    %(__name__)s        the section's name
    %%                  a percent sign

Only an option that somebody reads is expanded, so a mistake in an unused one does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sekisho.config.errors import mistake
from sekisho.config.ini import DEFAULT, Option
from sekisho.config.layers import Merged

_DEPTH = 10  # Python's configparser goes no deeper, and no tree that works under Fail2ban needs more
_LENGTH = 1 << 20  # ten steps can still multiply: an option that grows past a megabyte was not meant
_REFERENCE = re.compile(r"%(?:(?P<percent>%)|\((?P<name>[^)]+)\)s)?")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the options of one section see.

    `given` comes before everything else and is taken as it is; `first` names a section that is looked in before it.
    """

    merged: Merged
    section: str
    given: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    first: str = ""

    def expand(self, name: str) -> str | None:
        """Return the option's text with everything put in, None when it is set nowhere; raises ConfigError."""
        if name in self.given:
            return self.given[name]
        option = self.merged.find(self.section, name)
        return None if option is None else self.expand_option(option)

    def expand_option(self, option: Option) -> str:
        """Return one option's text expanded in this section; raises ConfigError."""
        return self._expand(option, option, 0)

    def _expand(self, option: Option, asked: Option, depth: int) -> str:
        if "%" not in option.text:
            return option.text
        if depth >= _DEPTH:
            raise mistake(
                f"{asked.name!r} refers to itself, or over more than {_DEPTH} steps",
                asked.origin,
                remedy="known/ remembers one earlier layer only: extend the option in one file"
                if "known/" in asked.text
                else "write one of the values out",
            )
        parts: list[str] = []
        end = length = 0
        for reference in _REFERENCE.finditer(option.text):
            part = self._value(reference, option, asked, depth)
            parts += (option.text[end : reference.start()], part)
            length += len(part)
            if length > _LENGTH:
                raise mistake(f"{asked.name!r} becomes longer than {_LENGTH} characters", asked.origin)
            end = reference.end()
        return "".join((*parts, option.text[end:]))

    def _value(self, reference: re.Match[str], option: Option, asked: Option, depth: int) -> str:
        if reference["percent"]:
            return "%"
        name = reference["name"]
        if name is None:
            after = option.text[reference.start() : reference.start() + 20].split("\n")[0]
            raise mistake(
                f"{option.name!r} holds a lone % at {after!r}",
                option.at(after),
                remedy="write %% for a percent sign",
            )
        value = self._find(name.lower())
        if isinstance(value, Option):
            return self._expand(value, asked, depth + 1)
        if value is None:
            raise mistake(
                f"{option.name!r} refers to %({name})s, which is set neither in [{self.section}] nor in [DEFAULT]",
                option.at(f"%({name})s"),
                remedy=self._suggestion(name),
            )
        return value

    def _find(self, name: str) -> Option | str | None:
        if name in self.given:
            return self.given[name]
        section, slash, inner = name.partition("/")
        if slash:
            return self._elsewhere(section, inner)
        if name == "__name__":
            return self.section
        first = self.merged.sections.get(self.first, {}).get(name)
        return first or self.merged.find(self.section, name) or self.constants.get(name)

    def _elsewhere(self, section: str, name: str) -> Option | None:
        """The option of another section, or of another time; what `section` does not have, [DEFAULT] has."""
        own: Mapping[str, Option] | None = {}
        if section == "known":
            own = self.merged.known.get(self.section, {})
        elif section != "default":  # names in references have lost their case
            own = next((options for other, options in self.merged.sections.items() if other.lower() == section), None)
        if own is None:
            return None
        return own.get(name) or self.merged.sections[DEFAULT].get(name)

    def _suggestion(self, name: str) -> str:
        import difflib  # here, since the client reads configuration too and starts without it

        names = {*self.merged.sections.get(self.section, {}), *self.merged.sections[DEFAULT], *self.given}
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
        return (
            f"did you mean %({near[0]})s?"
            if near
            else f"set {name.lower()} in [DEFAULT], or write %% for a percent sign"
        )

"""Names that nobody knows: sections, options and arguments of filters and actions, ports. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sekisho.config.files import is_stock
from sekisho.config.filters import OVERRIDABLE, RECORD
from sekisho.config.ini import DEFAULT
from sekisho.config.layers import Merged
from sekisho.config.mistakes import near, referenced
from sekisho.config.options import ACTION
from sekisho.config.survey import JailView, Part, Survey
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.model.services import KNOWN_PORTS, Ask, parse_port_word, port_words

_SECTIONS = ("Definition", "Init", "INCLUDES", DEFAULT)
_WORDS = {
    "filter.d": (*OVERRIDABLE, *RECORD, "mode", "logtype"),
    "action.d": (*ACTION, "timeout", "name", "actname"),
}
_PASSED_TO_ALL = frozenset(
    {"name", "actname", "port", "protocol", "chain", "mode", "logtype", "bantime", "sender", "dest", "logpath"}
)
"""Arguments that the stock lines pass to whatever filter or action stands there."""
_TAG = re.compile(r"<([^<>\s/]+)>")


def unknown_sections(survey: Survey) -> Iterator[Problem]:
    """Yield sections whose name is nearly that of a jail, and that nobody enables."""
    stock = {name for name, origin in survey.merged.headers.items() if is_stock(origin)}
    for name, options in survey.merged.sections.items():
        if name in stock or name in (DEFAULT, "default") or {"enabled", "filter"} & options.keys():
            continue
        remedy = near(name, (*stock, DEFAULT, "INCLUDES"))
        if remedy:
            text = f"section [{name}] is a jail that nobody enables"
            yield Problem(Severity.WARNING, text, survey.merged.headers[name], remedy=remedy)


def unknown_in(part: Part, jail: JailView) -> Iterator[Problem]:
    """Yield what a filter or an action holds or is given, and nobody reads."""
    merged = part.definition.merged
    if not merged.files:  # an action in Python: its parameters are its own
        return
    yield from _misspelt(part, merged)
    known = _all_names(merged) | {*_WORDS[part.folder], *_PASSED_TO_ALL} | _mentioned(merged)
    kind = part.folder.removesuffix(".d")
    for name, value in part.arguments.items():
        if name.partition("?")[0].lower() not in known:
            place = _place_of_argument(jail, kind, f"{name}=")
            own = sorted(merged.sections.get("Init", {}))
            remedy = near(name, known) or (f"it knows {', '.join(own)}" if own else f"leave {name} out")
            text = f"{kind} {part.name!r} knows no argument {name!r} (here {value!r})"
            yield Problem(Severity.WARNING, text, place, jail.spec.name, remedy)


def _misspelt(part: Part, merged: Merged) -> Iterator[Problem]:
    used = _mentioned(merged)
    words = _WORDS[part.folder]
    for section, options in merged.sections.items():
        header = merged.headers.get(section)
        if section.partition("?")[0] not in _SECTIONS and header and not is_stock(header):
            remedy = near(section, _SECTIONS)
            if remedy:
                text = f"section [{section}] is read by nobody"
                yield Problem(Severity.WARNING, text, header, remedy=remedy)
        for name, option in options.items():
            if name in words or name in used or is_stock(option.origin) or name.startswith("_"):
                continue
            remedy = near(name, words, 0.8)
            if remedy:
                text = f"unknown option {name!r} has no effect"
                yield Problem(Severity.WARNING, text, option.origin, remedy=remedy)


def _place_of_argument(jail: JailView, kind: str, text: str) -> Origin:
    """Where an argument is written: in the option itself, or in one that is put into it."""
    section, defaults = jail.merged.sections[jail.spec.name], jail.merged.sections[DEFAULT]
    for options in (section, defaults):
        for option in options.values():
            if text in option.text and not is_stock(option.origin):
                return option.at(text)
    return jail.place(kind)


def _all_names(merged: Merged) -> set[str]:
    return {name for options in merged.sections.values() for name in options}


def _mentioned(merged: Merged) -> set[str]:
    """The names that stand as `<name>` or `%(name)s` in any text of the files."""
    texts = [option.text for options in merged.sections.values() for option in options.values()]
    tags = {name.lower() for text in texts for name in _TAG.findall(text)}
    return tags | {name.rpartition("/")[2] for name in tags} | referenced(merged.sections)


def unknown_ports(jail: JailView, ask: Ask) -> Iterator[Problem]:
    """Yield the words of the jail's `port` that mean no port to anybody."""
    texts = [
        action.properties["port"]
        for action in jail.spec.actions
        if "port" in action.properties and action.properties.get("type") not in ("allports", "custom")
    ]
    for word in dict.fromkeys(word for text in texts for word in port_words(text)):
        if "<" not in word and parse_port_word(word, ask) is None:
            remedy = near(word.lower(), KNOWN_PORTS) or "write its number"
            text = f"port {word!r} is known neither to this system nor to Sekisho: it is not protected"
            yield Problem(Severity.WARNING, text, _port_place(jail, word), jail.spec.name, remedy)


def _port_place(jail: JailView, word: str) -> Origin:
    option = jail.option("port")
    if option is not None and word in option.text and not is_stock(option.origin):
        return option.at(word)
    return _place_of_argument(jail, "action", word)


def survey_names(survey: Survey, ask: Ask) -> Iterator[Problem]:
    """Yield every name of the tree that nobody knows."""
    yield from unknown_sections(survey)
    for jail in survey.jails:
        yield from unknown_ports(jail, ask)
        for part in jail.parts:
            yield from unknown_in(part, jail)

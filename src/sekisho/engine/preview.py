"""What a reload comes to, in the words of the configuration: for a dry run, and for whoever asked for the reload. Pure.

It speaks of the live state: what was set by hand since the last reload is an old value like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from sekisho.engine.api import Fate, JailChange, OptionChange, Reload
from sekisho.engine.difference import ASPECT_OF, Aspect, aspects
from sekisho.engine.jail import compile_rules, escalation_of
from sekisho.judge.formula import FormulaError
from sekisho.match.rule import RuleError
from sekisho.model.specs import ActionSpec, BackendSpec, FilterSpec, JailSpec, LogPath, RecordSpec, ServerSpec

_OPTION_OF = {"logpaths": "logpath"}
"""Fields of a JailSpec that the configuration calls otherwise."""
_EFFECTS: Mapping[Aspect, str] = {
    Aspect.JUDGING: "holds from the next failure on; counters and bans stay",
    Aspect.EXEMPTIONS: "holds from the next failure on; bans stay",
    Aspect.MATCHING: "the rules are recompiled; counters and bans stay",
    Aspect.SOURCES: "what is read changes; what is read already goes on where it stood, counters and bans stay",
    Aspect.ACTIONS: "the action is exchanged; bans stay in force",
}
_EFFECT_OF_OPTION: Mapping[str, str] = {"bantime": "holds from the next ban on; bans that stand keep their end"}
_ADDED_ACTION = "the action begins with the bans that stand"
_REMOVED_ACTION = "the action ends, and lifts what it barred"
LIVE_SERVER = ("loglevel", "dbmaxmatches", "dbpurgeage", "socketgroup", "socketaccess", "onstop", "guard")
"""Fields of a ServerSpec that a reload takes over; the others hold from a start on."""
_AT_ONCE = "holds at once"
_AT_NEXT_START = "holds from the next start of the daemon on"


@dataclass(frozen=True, slots=True)
class Standing:
    """What runs before the reload: the jails, and how many each has banned."""

    jails: Mapping[str, JailSpec]
    bans: Mapping[str, int]


def preview(
    now: Standing, wanted: Mapping[str, JailSpec], request: Reload, refused: Mapping[str, str]
) -> tuple[JailChange, ...]:
    """Return what becomes of each jail that does not simply go on: those that end first, as in the reload itself.

    `refused` are the jails that cannot be as the configuration wants them, each with the reason.
    """
    removed = [name for name in now.jails if name not in wanted]
    found = [_removed(name, now) for name in removed]
    for name, spec in wanted.items():
        old = now.jails.get(name)
        chosen = request.jail in (None, name)
        if name in refused:
            note = f"{refused[name]}; it {'goes on as it was' if old else 'does not start'}"
            found.append(JailChange(name, Fate.KEPT, note))
        elif old is None:
            found.append(JailChange(name, Fate.ADDED, "it begins with the bans that the ledger holds"))
        elif request.restart and chosen:
            found.append(JailChange(name, Fate.RESTARTED, _restart_note(now.bans[name], request), _changes(old, spec)))
        else:
            lifted = f"{_count(now.bans[name])} lifted" if request.unban and chosen else ""
            options = _changes(old, spec)
            if options or lifted:
                found.append(JailChange(name, Fate.CHANGED, lifted, options))
    return tuple(found)


def refusals(running: Mapping[str, JailSpec], wanted: Mapping[str, JailSpec], *, now: float) -> dict[str, str]:
    """Return the jails whose expressions or formulas do not hold, and why; `now` as for `jail.compile_rules`."""
    found: dict[str, str] = {}
    for name, spec in wanted.items():
        touched = aspects(running[name], spec) if name in running else ~Aspect(0)
        try:
            if Aspect.MATCHING in touched:
                compile_rules(spec, now=now)
            if Aspect.JUDGING in touched:
                escalation_of(spec)
        except (RuleError, FormulaError) as error:
            found[name] = str(error)
    return found


def preview_server(old: ServerSpec, new: ServerSpec) -> tuple[OptionChange, ...]:
    """Return what differs in fail2ban.conf, and when it holds."""
    return tuple(
        OptionChange(name, before, after, _AT_ONCE if name in LIVE_SERVER else _AT_NEXT_START)
        for name in (field.name for field in fields(ServerSpec))
        if (before := _text(getattr(old, name))) != (after := _text(getattr(new, name)))
    )


def _removed(name: str, now: Standing) -> JailChange:
    note = f"{_count(now.bans[name])} lifted in the firewall; the ledger keeps them"
    return JailChange(name, Fate.REMOVED, note if now.bans[name] else "")


def _restart_note(bans: int, request: Reload) -> str:
    return f"{_count(bans)} lifted" if request.unban else f"{_count(bans)} restored from the ledger"


def _count(bans: int) -> str:
    return "1 ban is" if bans == 1 else f"{bans} bans are"


def _changes(old: JailSpec, new: JailSpec) -> tuple[OptionChange, ...]:
    return tuple(change for field, aspect in ASPECT_OF.items() for change in _of_field(field, aspect, old, new))


def _of_field(field: str, aspect: Aspect, old: JailSpec, new: JailSpec) -> Iterator[OptionChange]:
    before, after = getattr(old, field), getattr(new, field)
    if before == after:
        return
    if field == "filter":
        yield from _of_filter(before, after)
    elif field == "actions":
        yield from _of_actions(before, after)
    else:
        effect = _EFFECT_OF_OPTION.get(field, _EFFECTS[aspect])
        yield OptionChange(_OPTION_OF.get(field, field), _text(before), _text(after), effect)


def _of_filter(old: FilterSpec, new: FilterSpec) -> Iterator[OptionChange]:
    effect = _EFFECTS[Aspect.MATCHING]
    if old.name != new.name:
        yield OptionChange("filter", old.name, new.name, effect)
    names = ("prefregex", "failregex", "ignoreregex", "datepattern", "maxlines")
    yield from (OptionChange(*each, effect) for each in _differing(names, old, new))
    records = tuple(each.name for each in fields(RecordSpec))
    plain = RecordSpec("")
    yield from (OptionChange(*each, effect) for each in _differing(records, old.record or plain, new.record or plain))
    for name in sorted(old.options.keys() | new.options.keys()):
        before, after = old.options.get(name, ""), new.options.get(name, "")
        if before != after:
            yield OptionChange(f"filter {new.name}: {name}", before, after, effect)


def _differing(names: tuple[str, ...], old: object, new: object) -> Iterator[tuple[str, str, str]]:
    """The fields that differ, and what each was and is; of many expressions those that differ."""
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, tuple):
            gone = tuple(each for each in before if each not in after)
            came = tuple(each for each in after if each not in before)
            before, after = (gone, came) if gone or came else (before, after)
        yield name, _text(before), _text(after)


def _of_actions(old: tuple[ActionSpec, ...], new: tuple[ActionSpec, ...]) -> Iterator[OptionChange]:
    before = {action.actname: action for action in old}
    after = {action.actname: action for action in new}
    for name, action in before.items():
        if name not in after:
            yield OptionChange(f"action {name}", action.name, "", _REMOVED_ACTION)
    for name, action in after.items():
        if name not in before:
            yield OptionChange(f"action {name}", "", action.name, _ADDED_ACTION)
        elif before[name] != action:
            yield from _of_action(before[name], action)


def _of_action(old: ActionSpec, new: ActionSpec) -> Iterator[OptionChange]:
    effect = _EFFECTS[Aspect.ACTIONS]
    pairs = {"name": (old.name, new.name), "native": (old.native or "", new.native or "")}
    names = dict.fromkeys((*old.properties, *new.properties))
    pairs |= {name: (old.properties.get(name, ""), new.properties.get(name, "")) for name in names}
    for name, (before, after) in pairs.items():
        if before != after:
            yield OptionChange(f"action {new.actname}: {name}", before, after, effect)


def _text(value: object) -> str:
    """Return a value as the configuration writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, LogPath):
        return f"{value.pattern} tail" if value.tail else value.pattern
    if isinstance(value, BackendSpec):
        options = ", ".join(f"{name}={text}" for name, text in value.options.items())
        return f"{value.name}[{options}]" if options else value.name
    if isinstance(value, tuple):
        texts = [_text(each) for each in value]
        return (" | " if any(" " in text for text in texts) else " ").join(texts)
    return str(value)

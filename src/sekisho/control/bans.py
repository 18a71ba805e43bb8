"""The words about who is barred: banip, unbanip, unban, banned, attempt, and our own commands' `ban` and `lift`."""

from __future__ import annotations

from collections.abc import Sequence

from sekisho.control.protocol import Kind, Mapped, Value
from sekisho.control.status import address_of, ban_document, by_end, render_ban_time
from sekisho.control.table import BASIC, CHANGES, FACTS, JAIL, Unmet, Word, parse_seconds
from sekisho.engine.api import EngineApi
from sekisho.model.address import Family, Subject, parse_subject
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

ALL = "--all"


def _subjects(texts: Sequence[str]) -> list[Subject]:
    return [parse_subject(text) for text in texts]


async def banip(engine: EngineApi, jail: str, *texts: str) -> Value:
    """Bar the addresses; the number that were not barred before."""
    return await engine.ban(jail, [_typed(text) for text in texts])


def _typed(text: str) -> Subject:
    """Return who was typed: a length that no prefix can have leaves the address, as in Fail2ban (observed)."""
    subject = parse_subject(text)
    address, _, length = text.partition("/")
    bare = parse_subject(address)
    return bare if subject.family is Family.OTHER and bare.is_single and length.isdecimal() else subject


async def unbanip(engine: EngineApi, jail: str, *texts: str) -> Value:
    """Lift the bans of the addresses; the number lifted. With `--report-absent`, one that had none is an error."""
    report = "--report-absent" in texts
    subjects = _subjects([text for text in texts if text != "--report-absent"])
    if not subjects:
        raise Unmet(Kind.ARGUMENTS, f"expected: set {jail} unbanip [--report-absent] <IP>...")
    lifted = await engine.unban(jail, subjects)
    absent = _absent(subjects, lifted) if report else []
    if absent:
        raise Unmet(Kind.VALUE, f"not banned: {absent!r}")
    return len(lifted)


def _absent(subjects: Sequence[Subject], lifted: Sequence[Ban]) -> list[str]:
    """Return those who had no ban; thousands may be asked for, so only networks are compared one by one."""
    exact = {ban.subject for ban in lifted}
    wide = [ban.subject for ban in lifted if not ban.subject.is_single]
    return [
        subject.text
        for subject in subjects
        if subject not in exact
        and not any(network.covers(subject) for network in wide)
        and (subject.is_single or not any(subject.covers(ban.subject) for ban in lifted))
    ]


async def unban(engine: EngineApi, *texts: str) -> Value:
    """Lift bans in every jail; the number lifted."""
    if not texts:
        raise Unmet(Kind.REFUSED, "Invalid command")
    return len(await engine.unban(None, None if texts == (ALL,) else _subjects(texts)))


async def banned(engine: EngineApi, *texts: str) -> Value:
    """Return each jail's banned addresses, or for each address the jails that bar it."""
    if texts:
        return [list(engine.bans_of(subject)) for subject in _subjects(texts)]
    return [{jail: _addresses(engine, jail)} for jail in engine.status().jails]


async def get_banned(engine: EngineApi, jail: str, *texts: str) -> Value:
    """Return the banned addresses, or for each address 1 or 0."""
    if not texts:
        return _addresses(engine, jail)
    engine.jail_spec(jail)  # an unknown jail is a mistake, and not one that bans nobody
    found = [int(jail in engine.bans_of(subject)) for subject in _subjects(texts)]
    return found if len(found) > 1 else found[0]


async def get_banip(engine: EngineApi, jail: str, form: str = "") -> Value:
    """Return the banned addresses in the order in which their bans end, with their times where these are asked for."""
    bans = by_end(engine.jail_status(jail).bans)
    return Mapped(bans, render_ban_time if form == "--with-time" else address_of)


def _addresses(engine: EngineApi, jail: str) -> Value:
    return Mapped(engine.jail_status(jail).bans, address_of)


async def attempt(engine: EngineApi, jail: str, text: str, *lines: str) -> Value:
    """Count a failure of the address, as heavy as there are lines; 0 when it is ignored."""
    return await engine.attempt(jail, parse_subject(text), lines)


async def ban(engine: EngineApi, *words: str) -> Value:
    """Bar addresses in one jail or in all, for a time and with a reason; how many were new, by jail.

    With `--force` those too that are guarded.
    """
    (jail, *texts), options = _split(words, ("--for", "--reason"), ("--force",))
    length = options.get("--for", "")
    duration = parse_seconds(length) if length else None
    if duration is not None and duration <= 0 and duration != PERMANENT:
        raise Unmet(Kind.VALUE, f"a ban of {length} would be over at once")
    jails = engine.status().jails if jail == ALL else (jail,)
    reason, force = options.get("--reason", ""), "--force" in options
    whom = _subjects(texts)
    return {name: await engine.ban(name, whom, duration=duration, reason=reason, force=force) for name in jails}


async def lift(engine: EngineApi, jail: str, *texts: str) -> Value:
    """Lift bans in one jail or in all; those lifted."""
    return [ban_document(ban) for ban in await engine.unban(None if jail == ALL else jail, _subjects(texts))]


def _split(words: Sequence[str], known: Sequence[str], flags: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the plain words, at least two, and the options: those in `known` each with the word after it."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in known:
            options[word] = next(rest, "")
        elif word in flags:
            options[word] = ""
        else:
            plain.append(word)
    if len(plain) < 2:
        raise Unmet(Kind.ARGUMENTS, f"expected a jail or {ALL}, and an address")
    return plain, options


WORDS = (
    Word("unban", "[--all | <IP>...]", BASIC, "lift these bans, or all, in every jail", unban, changes=True),
    Word("banned", "[<IP>...]", BASIC, "who is banned in each jail, or which jails ban these addresses", banned),
    Word(f"set {JAIL} banip", "[<IP>...]", CHANGES, "ban these addresses by hand", banip, changes=True),
    Word(f"set {JAIL} unbanip", "[--report-absent] <IP>...", CHANGES, "lift the bans of these addresses", unbanip,
         changes=True),
    Word(f"set {JAIL} attempt", "<IP> [<LINE>...]", CHANGES, "count a failure of this address by hand", attempt,
         changes=True),
    Word(f"get {JAIL} banned", "[<IP>...]", FACTS, "who is banned, or 1 or 0 for each of these addresses", get_banned),
    Word(f"get {JAIL} banip", "[<SEP>|--with-time]", FACTS, "who is banned, in the order in which bans end",
         get_banip),
    Word("ban", "<JAIL> <IP>... [--for <TIME>] [--reason <TEXT>] [--force]", BASIC, "ban by hand", ban,
         changes=True, internal=True),
    Word("lift", "<JAIL> <IP>...", BASIC, "lift bans and tell which", lift, changes=True, internal=True),
)  # fmt: skip

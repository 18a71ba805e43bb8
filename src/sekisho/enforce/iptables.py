"""Runs iptables once in a while: rules are set up and taken down by `iptables-restore`, in one transaction a table.

There are two programs of that name, over the kernel's older tables and over nf_tables; an administrator chooses what
`iptables` means, and that is where his rules are. So it is asked first, and another only where it does not work: the
one over nf_tables cannot on a kernel that has none. Nor does every kernel have every table.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence

from sekisho.enforce.ipset_rules import HOOKS
from sekisho.enforce.program import ProgramError, run_program
from sekisho.model.address import Family

Run = Callable[[Sequence[str], str], Awaitable[str]]

_PROGRAMS = {
    Family.INET4: ("iptables", "iptables-legacy", "iptables-nft"),
    Family.INET6: ("ip6tables", "ip6tables-legacy", "ip6tables-nft"),
}
_WAIT = "--wait"  # for another program that is changing the rules; `program.TIMEOUT` ends it


class NoProgramError(ProgramError):
    """No iptables of a family works on this host; the message says why the first does not."""


async def run_iptables(argv: Sequence[str], text: str) -> str:
    """Return what the program printed. Raises ProgramError."""
    return await run_program(tuple(argv), text, package="iptables")


class Iptables:
    """The rules of one family. The program is chosen when it is first needed, and kept.

    Every method raises ProgramError where it does not work, with nothing changed; NoProgramError where none ever does.
    """

    def __init__(self, family: Family, *, run: Run = run_iptables) -> None:
        self._family = family
        self._run = run
        self._choice: tuple[str, str] | None = None  # the beginning of the programs' names, and the earliest table

    async def earliest(self) -> str:
        """Return the earliest table of this host in which a packet can be dropped."""
        return (await self._chosen())[1]

    async def save(self, table: str) -> str:
        """Return the rules of a table as iptables-save prints them."""
        return await self._run([f"{(await self._chosen())[0]}-save", "-t", table], "")

    async def restore(self, text: str) -> None:
        """Make a change, all of it, and leave what it does not name as it is."""
        await self._run([f"{(await self._chosen())[0]}-restore", "--noflush", _WAIT], text)

    async def _chosen(self) -> tuple[str, str]:
        """Make the choice. What the first said is told where none works."""
        if self._choice is not None:
            return self._choice
        refused: ProgramError | None = None
        for choice in itertools.product(_PROGRAMS[self._family], HOOKS):
            try:
                await self._run([f"{choice[0]}-save", "-t", choice[1]], "")
            except ProgramError as error:
                refused = refused or error
            else:
                self._choice = choice
                return choice
        raise NoProgramError(str(refused)) from refused

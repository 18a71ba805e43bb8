"""The process in which one Python action of an administrator lives (COMPAT 5.5). Started by `enforce.python_action`.

Such a file was written for Fail2ban: it defines `Action`, a class that derives from Fail2ban's `ActionBase`, and calls
whatever it likes. Here it has a process of its own, so that a crash, a hang or a leak is its own affair, and modules
under Fail2ban's names (`_provide`), since Fail2ban need not be installed.

Both sides speak JSON, one object a line. A request names a method and, for a ban, what its ticket knows; or it asks
what the action has (`members`), for a property (`get`, `set`), or for a call by hand with `arguments`. The answers are
`{"done": true}`, with a `result` where there is one, or `{"error": TEXT}`. In between the child may write
`{"log": [LEVEL, TEXT]}`, and ask for what is not looked up unless it is needed: `{"ask": NAME}`, answered by
`{"answer": TEXT}`. What the action prints goes to standard error, which the daemon logs.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from types import ModuleType, SimpleNamespace
from typing import Any, TextIO

_PROCESS = "fail2ban"


class ActionBase:
    """What an action derives from. It is given its jail, its name and the arguments of the configuration."""

    def __init__(self, jail: object, name: str, **_: object) -> None:
        self._jail = jail
        self._name = name
        self._logSys = logging.getLogger(f"{_PROCESS}.{type(self).__name__}")

    def start(self) -> None:
        """Do nothing when the jail starts."""

    def stop(self) -> None:
        """Do nothing when the jail stops."""

    def ban(self, _: Mapping[str, Any]) -> None:
        """Do nothing for a ban."""

    def reban(self, ticket: Mapping[str, Any]) -> None:
        """Ban again."""
        self.ban(ticket)

    def unban(self, _: Mapping[str, Any]) -> None:
        """Do nothing for the end of a ban."""

    @property
    def _prolongable(self) -> bool:
        """True when the action has a method for a ban that becomes longer."""
        return hasattr(self, "prolong")


class CallingMap(MutableMapping[str, Any]):
    """A mapping whose values may be functions, called when somebody looks at them. Writing changes this copy only."""

    def __init__(self, *arguments: Mapping[str, Any], **values: Any) -> None:  # noqa: ANN401 - anything an action likes
        self.data: dict[str, Any] = dict(*arguments, **values)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as above
        value = self.data[name]
        if callable(value):
            value = self.data[name] = value()
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.data[name] = value

    def __delitem__(self, name: str) -> None:
        del self.data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"CallingMap({self.data!r})"

    def copy(self) -> CallingMap:
        """Return one whose changes are its own."""
        return CallingMap(self.data)


class _Wire:
    """The two ends of the conversation with the daemon."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers

    def read(self) -> Mapping[str, Any] | None:
        """Return the next request; None when the daemon has gone."""
        line = self._requests.readline()
        return json.loads(line) if line else None

    def say(self, **message: object) -> None:
        """Write one message."""
        self._answers.write(json.dumps(message, default=repr) + "\n")
        self._answers.flush()

    def ask(self, name: str) -> str:
        """Return what the daemon knows under a name."""
        self.say(ask=name)
        reply = self.read()
        if reply is None:
            raise EOFError("the daemon has gone")
        return str(reply["answer"])


class _ToDaemon(logging.Handler):
    """Hands log records over."""

    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one over."""
        self._wire.say(log=[record.levelno, self.format(record)])


def _provide() -> None:
    """Let an action import what it knows from Fail2ban, whether that is installed or not."""
    names = ("fail2ban", "fail2ban.helpers", "fail2ban.server", "fail2ban.server.action", "fail2ban.server.actions")
    modules = {name: ModuleType(name) for name in names}
    for name, module in modules.items():
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(modules[parent], last, module)
        module.__path__ = []
    for name in ("fail2ban.server.action", "fail2ban.server.actions"):
        vars(modules[name]).update(ActionBase=ActionBase, CallingMap=CallingMap)
    vars(modules["fail2ban.helpers"]).update(getLogger=logging.getLogger)
    sys.modules.update(modules)


def _load(path: str) -> Any:  # noqa: ANN401 - the class is the administrator's
    spec = importlib.util.spec_from_file_location("sekisho_action", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Action


def _ticket(facts: Mapping[str, Any], wire: _Wire) -> CallingMap:
    """What an action may know of a ban; the names in `lazy` are asked for when it looks."""
    lazy = {name: (lambda asked=name: wire.ask(asked)) for name in facts["lazy"]}
    return CallingMap({**facts["known"], **lazy, "F-*": dict(facts["captured"])})


def _perform(action: Any, request: Mapping[str, Any], wire: _Wire) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Do what a request asks for; the reply."""
    match request:
        case {"members": _}:
            public = {name: getattr(action, name) for name in dir(action) if not name.startswith("_")}
            methods = [name for name, member in public.items() if callable(member)]
            return {"done": True, "properties": [name for name in public if name not in methods], "methods": methods}
        case {"get": str(name)}:
            return {"done": True, "result": getattr(action, name)}
        case {"set": str(name), "value": value}:
            setattr(action, name, value)
            return {"done": True}
        case {"call": str(name), "arguments": arguments}:
            return {"done": True, "result": getattr(action, name)(**arguments)}
    method = getattr(action, request["call"], None)
    if method is None:
        return {"done": False}
    if "ticket" in request:
        method(_ticket(request["ticket"], wire))
    else:
        method()
    return {"done": True}


def main() -> None:
    """Make the action that the first request describes, and do what the others ask for, until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wire = _Wire(os.fdopen(os.dup(0), encoding="utf-8"), answers)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    logging.basicConfig(level=logging.DEBUG, format="%(message)s", handlers=[_ToDaemon(wire)])
    first = wire.read()
    if first is None:
        return
    try:
        _provide()
        jail = SimpleNamespace(name=first["jail"], actions=SimpleNamespace(status=lambda: wire.ask("status")))
        action = _load(first["file"])(jail, first["name"], **first["arguments"])
        wire.say(done=True, norestored=bool(getattr(action, "norestored", False)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the daemon tells the administrator
        wire.say(error=f"{type(error).__name__}: {error}")
        return
    while (request := wire.read()) is not None:
        try:
            wire.say(**_perform(action, request, wire))
        except Exception as error:
            logging.getLogger(f"{_PROCESS}.action").debug("", exc_info=True)
            wire.say(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

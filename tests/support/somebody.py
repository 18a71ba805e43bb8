"""Acting as another user of this host, with groups of one's choice. Needs root."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

NOBODY = 65534


def as_nobody(act: Callable[[], Any], *, groups: Sequence[int] = ()) -> Any:  # noqa: ANN401 - whatever `act` returns
    """Return what `act` returns, as JSON can carry it, in a process of nobody's with these further groups."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, json.dumps(act()).encode())
        except BaseException:  # noqa: BLE001 - nobody is above to tell
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        said = pipe.read()
    os.waitpid(child, 0)
    assert said, "nobody's process failed; its traceback is above"
    return json.loads(said)

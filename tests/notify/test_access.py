"""The way of an action to its service."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.web import serving

from sekisho.model.action import ActionError
from sekisho.model.specs import ActionSpec
from sekisho.notify.access import Access
from sekisho.notify.outbox import DeliveryError
from sekisho.notify.services import Request


def access(**properties: str) -> Access:
    """The way of an action that needs a zone and a key."""
    spec = ActionSpec("a", "a-1", properties)
    return Access(
        spec, jail="mine", clock=lambda: 0.0, url="http://127.0.0.1:1", needs=("zone", "key"), secrets=("key",)
    )


def test_what_is_missing_is_named() -> None:
    """An empty parameter is none."""
    access(zone="z", key="k").require()
    with pytest.raises(ActionError, match=r"^\[mine\] action a-1: key must be set, as a-1\[\.\.\.\]$"):
        access(zone="z", key="").require()


def test_the_administrator_s_url_stands_before_the_service_s() -> None:
    """The secret goes to the service, and into no message."""
    with serving() as service:
        service.will_say(403, "who is s3cret?")
        with pytest.raises(DeliveryError, match=r"HTTP 403 .*'who is \*\*\*\?'"):
            asyncio.run(access(key="s3cret", url=service.url).ask(Request("GET", "/x", {"Key": "s3cret"})))
        assert [(asked.path, asked.headers["Key"]) for asked in service.asked] == [("/x", "s3cret")]

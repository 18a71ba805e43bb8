"""Delivery by SMTP, where the host has no sendmail."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.message import EmailMessage

from sekisho.notify.outbox import DeliveryError

_LOG = logging.getLogger("fail2ban.actions")
_SECONDS = 30.0  # for each exchange; RFC 5321 would have us wait minutes
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


async def send_by_smtp(
    message: EmailMessage, *, server: tuple[str, int], sender: str, dest: Sequence[str], hostname: str
) -> None:
    """Hand `message` to the mail server at `server`; `hostname` is how we greet it.

    TLS is used wherever the server offers it, except on loopback, whose certificate nobody could check.

    Raises:
        DeliveryError: the server cannot be reached or refuses.

    """
    import aiosmtplib  # only hosts without sendmail pay for it

    host, port = server
    domain = hostname if "." in hostname else f"{hostname}.localdomain"
    qualified = sender if "@" in sender else f"{sender}@{domain}"
    try:
        refused, _ = await aiosmtplib.send(
            message,
            sender=qualified,
            recipients=list(dest),
            hostname=host,
            port=port,
            local_hostname=hostname,
            start_tls=False if host in _LOOPBACK else None,
            timeout=_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        permanent = all(refusal.code >= 500 for refusal in error.recipients)
        raise DeliveryError(f"{host}:{port} refuses every recipient: {error}", permanent=permanent) from None
    except aiosmtplib.SMTPResponseException as error:
        raise DeliveryError(f"{host}:{port}: {error.code} {error.message}", permanent=error.code >= 500) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise DeliveryError(f"{host}:{port}: {error or type(error).__name__}", permanent=False) from None
    for recipient, response in refused.items():
        _LOG.warning("%s:%d refuses the recipient %s: %s", host, port, recipient, response)

"""Sekisho reads a server's logs, recognises abuse, and bars its source at the firewall."""

from __future__ import annotations

__version__ = "0.1.0"

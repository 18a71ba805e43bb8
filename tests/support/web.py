"""A web service on loopback that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The body, as JSON."""
        return json.loads(self.body)


@dataclass
class Service:
    """Replies in order, each a status, a body and headers; when none is left, 200 and an empty object."""

    replies: deque[tuple[int, str, Mapping[str, str]]] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def will_say(self, status: int, body: object = "{}", **headers: str) -> None:
        """Reply so to one request."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.replies.append((status, text, {name.replace("_", "-"): value for name, value in headers.items()}))


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Serve until the end of the block."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            service.asked.append(Asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
            status, body, headers = service.replies.popleft() if service.replies else (200, "{}", {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextlib.contextmanager
def raw_service(says: bytes, *, drip: bool = False) -> Iterator[str]:
    """Say these bytes to one request, whatever it is, and hang up; `drip`: go on with a byte at a time until left."""
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = door.accept()
            with caller:
                caller.recv(65536)
                caller.sendall(says)
                while drip and not over.wait(0.01):
                    caller.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            over.set()
            thread.join(10)

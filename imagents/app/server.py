"""The server below the page: where it listens, how long it waits for whom, and what it logs. Needs uvicorn."""

import errno
import logging
import resource
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from imagents.app.gate import Once
from imagents.errors import InputError

_FIRST_PORTS = range(7860, 7960)
_PATIENCE = 60  # seconds for a request and its reply
_MOST_CONNECTIONS = 512  # at once; a page needs a handful


def listen(host: str, port: int | None = None) -> socket.socket:
    """A socket that listens.

    Args:
      host: an address or a name of this machine.
      port: the port; a free one from 7860 on if None.

    Raises:
      InputError: if nobody can listen there.
    """
    for number in _FIRST_PORTS if port is None else (port,):
        try:
            family, *_, place = socket.getaddrinfo(host.strip("[]"), number, type=socket.SOCK_STREAM)[0]
            both = place[0] == "::" and socket.has_dualstack_ipv6()
            listener = socket.create_server(place, family=family, dualstack_ipv6=both)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each reply waits 40 ms for its body
            return listener
        except (OSError, UnicodeError) as error:
            reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
            if getattr(error, "errno", 0) != errno.EADDRINUSE:
                break
    where = f"--host {host}" + (f" --port {port}" if port else "")
    raise InputError(f"{where}: the page cannot listen there: {reason}")


def address(listener: socket.socket) -> str:
    """Where a browser on this machine finds what listens."""
    host, port = listener.getsockname()[:2]
    host = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/"


def serve(app, listener: socket.socket) -> None:
    """Serves an ASGI application until a signal ends it."""
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Once())
    config = uvicorn.Config(app, http=Connection, ws="none", log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run([listener])


class Connection(H11Protocol):
    """A connection that is cut when it takes too long over a request, or longest, where there are too many."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self._begin()
        if len(self.connections) > min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2):
            oldest = min(self.connections, key=lambda connection: connection._deadline.when())
            self.connections.discard(oldest)
            oldest.transport.abort()

    def connection_lost(self, exc):
        self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self):
        self._deadline.cancel()
        self._begin()
        super().on_response_complete()

    def _begin(self):
        self._deadline = self.loop.call_later(_PATIENCE, self.transport.abort)

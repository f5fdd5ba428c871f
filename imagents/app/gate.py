"""The gate in front of the page: who may ask for it, under which name, and for what.

It shuts everything else that Gradio's server could do (uploads, files, proxies, queues, its API), and keeps browsers
from asking any other server for anything. Other pages get nothing: not by asking from a visitor's browser (an `Origin`
that is not the page's own), nor by a name of their own that they point at this machine (DNS rebinding).
"""

import ipaddress
import logging
import re
import socket
import traceback
from collections.abc import Callable
from urllib.parse import urlsplit

_OPEN_TO_GET = ("/assets/", "/static/", "/svelte/")
_OPEN_PAGES = ("/", "/config", "/config/", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt",
               "/gradio_api/theme.css", "/gradio_api/startup-events", "/gradio_api/info", "/gradio_api/app_id")
_OPEN_TO_POST = ("/gradio_api/component_server", "/gradio_api/component_server/")
_MOST_BYTES = 64 * 1024  # of a request
_MOST_SAID = 1000  # different messages in a log
_HEADERS = (
    (b"content-security-policy",
     b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
     b"style-src 'self' 'unsafe-inline'; base-uri 'self'; form-action 'self'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def serves(host: str, root: str = "") -> Callable[[str], bool]:
    """By which names a page may be asked for.

    Args:
      host: where it listens.
      root: the whole address that it has behind a proxy, or the path of it.

    Returns:
      A function that says whether a name is one of: any address in numbers, which nobody can point elsewhere;
      localhost; `host`; the name of `root`; and this machine's own names, if it listens to others.
    """
    machine = socket.gethostname().lower()
    names = {"localhost", host.lower(), urlsplit(root).hostname}
    if not _is_loopback(host):
        names |= {machine, machine.split(".")[0], f"{machine.split('.')[0]}.local"}
    return lambda name: name in names or _is_address(name)


class Gate:
    """ASGI middleware: lets through what the page needs, and answers everything else in one line.

    Args:
      app: the application behind the gate.
      serves: says of a name whether the page may be asked for by it; None for any.
      root: as for `serves`.
    """

    def __init__(self, app, serves: Callable[[str], bool] | None = None, root: str = ""):
        self._app, self._serves, self._root = app, serves, urlsplit(root).netloc

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        if self._serves and (refusal := self._foreign(scope["headers"])):
            await _refuse(send, *refusal)
            return
        if not _is_open(scope["method"], scope["path"]):
            await _refuse(send, 404, "there is nothing here")
            return
        body = await _read(receive)
        if body is None:
            await _refuse(send, 413, "that is too much")
            return
        # Gradio would let pages of other origins read what it answers.
        scope = scope | {"headers": [header for header in scope["headers"] if header[0] != b"origin"]}
        begun = 0  # the status of the reply, as soon as there is one

        async def replay():
            nonlocal body
            if body is not None:
                message, body = {"type": "http.request", "body": body, "more_body": False}, None
                return message
            return await receive()

        async def send_with_headers(message):
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message["status"]
                message = message | {"headers": [*message.get("headers", []), *_HEADERS]}
            if begun < 500:
                await send(message)

        try:
            await self._app(scope, replay, send_with_headers)
        except Exception:  # what Gradio makes of forged requests
            if 0 < begun < 500:
                raise
        if not 0 < begun < 500:
            await _refuse(send, 400, "that is no request of this page")

    def _foreign(self, headers) -> tuple[int, str] | None:
        """What to answer to a request under a name, or from a page, that is not ours; None if both are."""
        hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        origins = [value.decode("latin-1").lower() for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or not self._serves(_name(hosts[0])):
            return 421, "this page has another name: imagents web --host or --root-path says which ones it has"
        if any(origin.partition("://")[2] not in (hosts[0], self._root or hosts[0]) for origin in origins):
            return 403, "this page answers no other page"
        return None


class Once(logging.Filter):
    """Lets a message, and a fault that arises in one place, pass once: visitors cannot fill a log."""

    def __init__(self):
        super().__init__()
        self._said = set()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        place = traceback.extract_tb(error.__traceback__)[-1][:2] if error and error.__traceback__ else ()
        message = (record.name, record.msg, type(error), *place)
        is_new = message not in self._said and len(self._said) < _MOST_SAID
        if is_new:
            self._said.add(message)
        return is_new


def _name(host: str) -> str:
    """The name in NAME:PORT; "" if it is something else."""
    found = re.fullmatch(r"(?:\[([^\[\]]+)\]|([\w.-]+))(?::\d*)?", host)
    return (found[1] or found[2]) if found else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host.lower() == "localhost"


def _is_open(method: str, path: str) -> bool:
    if ".." in path or "\\" in path or "//" in path:
        return False
    if method in ("GET", "HEAD"):
        return path in _OPEN_PAGES or path.startswith(_OPEN_TO_GET)
    return method == "POST" and path in _OPEN_TO_POST


async def _read(receive) -> bytes | None:
    """The whole body; None if it is too long."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        body += message.get("body", b"")
        if len(body) > _MOST_BYTES:
            return None
        if not message.get("more_body"):
            return body


async def _refuse(send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})

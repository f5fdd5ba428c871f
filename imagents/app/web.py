"""The page as a Gradio app, and the gate in front of it.

Gradio gives the shell: the tabs, the server and its place on a Hugging Face Space. The page itself is one HTML
component, whose script asks `Page.reply`. Everything else that Gradio's server could do (uploads, files, proxies,
queues, its API) is shut at the gate, which also keeps browsers from asking any other server for anything.
"""

import os
import pathlib
import socket
import threading
import traceback
from collections.abc import Callable, Sequence

from imagents.app.cast import Cast
from imagents.app.page import Page
from imagents.errors import InputError
from imagents.files import in_shell

_HERE = pathlib.Path(__file__).parent
_OPEN_TO_GET = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
_OPEN_PAGES = ("/", "/config", "/config/", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt",
               "/gradio_api/theme.css", "/gradio_api/startup-events", "/gradio_api/info", "/gradio_api/app_id")
_OPEN_TO_POST = ("/gradio_api/component_server", "/gradio_api/component_server/")
_MOST_BYTES = 64 * 1024  # of a request
_HEADERS = (
    (b"content-security-policy",
     b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
     b"style-src 'self' 'unsafe-inline'; base-uri 'self'; form-action 'self'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_TITLE = "Play against imagents"


def build(cast: Cast, trainings: Callable[[dict], dict] | None = None):
    """The page as Gradio Blocks.

    Args:
      cast: the games and the players.
      trainings: answers the training tab's requests; None for a page without that tab.

    Raises:
      InputError: if Gradio is not installed.
    """
    gradio = _gradio()
    page = Page(cast)
    threading.Thread(target=page.warm_up, daemon=True).start()
    with gradio.Blocks(title=_TITLE, analytics_enabled=False) as blocks:
        gradio.HTML('<h1 class="title">Play against agents that taught themselves</h1>', js_on_load=None)
        if trainings is None:
            _component(gradio, "page", [page.reply, page.judge])
        else:
            with gradio.Tab("Play"):
                _component(gradio, "page", [page.reply, page.judge])
            with gradio.Tab("Training"):
                _component(gradio, "trainings", [trainings])
    return blocks


def launch(blocks, host: str = "127.0.0.1", port: int | None = None, block: bool = True) -> str:
    """Serves the page.

    Args:
      blocks: what `build` made.
      host: the address to listen at; loopback unless told otherwise.
      port: the port; a free one from 7860 on if None.
      block: whether to serve until Ctrl-C; else the server runs beside the caller.

    Returns:
      The page's address.
    """
    gradio = _gradio()
    system = ["system-ui", "sans-serif"]  # no fonts from the network
    theme = gradio.themes.Default(primary_hue="blue", font=system, font_mono=["ui-monospace", "monospace"])
    css = (_HERE / "page.css").read_text() + ".title { font-size: 1.5em; margin: 4px 0; } footer { display: none; }"
    _, address, _ = blocks.launch(
        server_name=host, server_port=port, theme=theme, css=css, share=False, quiet=True, prevent_thread_lock=True,
        app_kwargs={"middleware": [_middleware()]}, allowed_paths=[], max_file_size=1, footer_links=[],
        ssr_mode=False, pwa=False, mcp_server=False, enable_monitoring=False, state_session_capacity=1000,
        run_history=False, inbrowser=False,
    )
    if block:
        print(f"the page is at {address} (Ctrl-C ends it)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:  # which is how a page ends
            print()
        finally:
            blocks.close(verbose=False)
    return address


def prepare(
    runs: pathlib.Path,
    host: str,
    port: int | None,
    space: pathlib.Path | None = None,
    agents: Sequence[pathlib.Path] = (),
) -> Callable[[], int]:
    """Does what can fail for `imagents web`; returns what serves the page, or writes it for a Space.

    Raises:
      InputError: one sentence about what cannot be.
    """
    _gradio()
    if agents and space is None:
        raise InputError("--agents says what to put on a Space: give --space, or look below --runs without one")
    if port is not None and not 1 <= port <= 65535:
        raise InputError(f"--port {port}: ports are 1 to 65535")
    if not runs.is_dir() and runs != pathlib.Path("outputs"):
        raise InputError(f"--runs {runs}: there is no such folder")
    if space is not None:
        from imagents.app.space import prepare_space

        write = prepare_space(space, agents)

        def write_space() -> int:
            write()
            print(f"done: {space}; cd {in_shell(space)} && python app.py tries it, and a new Space takes it as it is")
            return 0

        return write_space

    from imagents.app.local import LocalCast
    from imagents.app.trainings import Trainings

    _check_address(host, port)
    cast = LocalCast(runs.resolve())

    def serve() -> int:
        launch(build(cast, Trainings(cast.runs).training), host, port)
        return 0

    return serve


class Gate:
    """ASGI middleware: lets through what the page needs, and answers everything else in one line.

    Args:
      app: the application behind the gate.
    """

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        if not _is_open(scope["method"], scope["path"]):
            await _refuse(send, 404, "there is nothing here")
            return
        body = await _read(receive)
        if body is None:
            await _refuse(send, 413, "that is too much")
            return
        started = False

        async def replay():
            nonlocal body
            if body is not None:
                message, body = {"type": "http.request", "body": body, "more_body": False}, None
                return message
            return await receive()

        async def send_with_headers(message):
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = message | {"headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        try:
            await self._app(scope, replay, send_with_headers)
        except Exception:  # what Gradio makes of forged requests
            if started:
                raise
            await _refuse(send, 400, "that is no request of this page")


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


def _check_address(host: str, port: int | None) -> None:
    """Raises an InputError unless the page can listen there."""
    try:
        family, *_, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        where = f"--host {host}" + (f" --port {port}" if port else "")
        raise InputError(f"{where}: the page cannot listen there: {error.strerror}") from None


def _component(gradio, name: str, functions: list[Callable]) -> None:
    script = (_HERE / f"{name}.js").read_text()
    template = '<div class="imagents"><p class="none">One moment…</p></div>'
    gradio.HTML("", html_template=template, js_on_load=script, server_functions=[_answering(f) for f in functions],
                apply_default_css=False)


def _answering(function: Callable[[dict], dict]) -> Callable[[dict], dict]:
    """A plain function of that name, as Gradio wants its server functions; a fault of ours shows its trace here."""

    def answer(request):
        try:
            return function(request)
        except Exception:
            traceback.print_exc()  # the gate tells the visitor nothing of it
            raise

    answer.__name__ = function.__name__
    return answer


def _middleware():
    from starlette.middleware import Middleware

    return Middleware(Gate)


def _gradio():
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio
    except ImportError:
        raise InputError("the page needs Gradio: pip install imagents[web]") from None
    return gradio

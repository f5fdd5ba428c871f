"""The page as a Gradio app, and how it is served.

Gradio gives the shell: the tabs and its place on a Hugging Face Space. The page itself is one HTML component, whose
script asks `Page.reply`. Everything else that Gradio could do is shut at the gate in front of it.
"""

import logging
import os
import pathlib
import socket
import threading
from collections.abc import Callable, Sequence

from imagents.app.cast import Cast
from imagents.app.gate import Gate, Once, serves
from imagents.app.page import Page
from imagents.errors import InputError
from imagents.files import in_shell

_HERE = pathlib.Path(__file__).parent
_TITLE = "Play against imagents"
_LOG = logging.getLogger(__name__)
_LOG.addFilter(Once())


def build(cast: Cast, trainings: Sequence[Callable[[dict], dict]] = ()):
    """The page as Gradio Blocks.

    Args:
      cast: the games and the players.
      trainings: what answers the training tab's requests; nothing for a page without that tab.

    Raises:
      InputError: if Gradio is not installed.
    """
    gradio = _gradio()
    page = Page(cast)
    threading.Thread(target=page.warm_up, daemon=True).start()
    with gradio.Blocks(title=_TITLE, analytics_enabled=False) as blocks:
        gradio.HTML('<h1 class="title">Play against agents that taught themselves</h1>', js_on_load=None)
        if not trainings:
            _component(gradio, "page", [page.reply, page.judge])
        else:
            with gradio.Tab("Play"):
                _component(gradio, "page", [page.reply, page.judge])
            with gradio.Tab("Training"):
                _component(gradio, "trainings", [*trainings])
    return blocks


def launch(
    blocks, listener: socket.socket, root: str = "", serves: Callable[[str], bool] | None = None
) -> None:
    """Serves the page until Ctrl-C.

    Args:
      blocks: what `build` made.
      listener: where it listens, of `imagents.app.server.listen`.
      root: the address or the path that the page has behind a proxy.
      serves: as for `Gate`.
    """
    from starlette.applications import Starlette

    from imagents.app import server

    gradio = _gradio()
    system = ["system-ui", "sans-serif"]  # no fonts from the network
    theme = gradio.themes.Default(primary_hue="blue", font=system, font_mono=["ui-monospace", "monospace"])
    css = _read("page.css")
    blocks.state_session_capacity = 1000
    app = gradio.mount_gradio_app(
        Starlette(), blocks, "", root_path=root or os.environ.get("GRADIO_ROOT_PATH", ""), theme=theme, css=css,
        allowed_paths=[], max_file_size=1, show_error=False, footer_links=[], run_history=False, ssr_mode=False,
        pwa=False, mcp_server=False, enable_monitoring=False,
    )  # fmt: skip
    print(f"the page is at {server.address(listener)} (Ctrl-C ends it)", flush=True)
    try:
        server.serve(Gate(app, serves, root), listener)
    except KeyboardInterrupt:  # which is how a page ends
        print()


def prepare(
    runs: pathlib.Path,
    host: str,
    port: int | None,
    space: pathlib.Path | None = None,
    agents: Sequence[pathlib.Path] = (),
    root_path: str = "",
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
    root = root_path.rstrip("/")
    if root and not root.startswith(("/", "http://", "https://")):
        raise InputError(f"--root-path {root_path}: it is a path, /play, or an address, https://example.org/play")
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
    from imagents.app.server import listen
    from imagents.app.trainings import Trainings

    listener = listen(host, port)
    cast = LocalCast(runs)

    def serve() -> int:
        trainings = Trainings(cast.runs)
        launch(build(cast, [trainings.training, trainings.watch]), listener, root, serves(host, root))
        return 0

    return serve


def _component(gradio, name: str, functions: list[Callable]) -> None:
    script = _read(f"{name}.js")
    template = '<div class="imagents"><p class="none">One moment…</p></div>'
    gradio.HTML("", html_template=template, js_on_load=script, server_functions=[_answering(f) for f in functions],
                apply_default_css=False)


def _answering(function: Callable[[dict], dict]) -> Callable[[dict], dict]:
    """A plain function of that name, as Gradio wants its server functions; a fault of ours shows its trace here."""

    def answer(request):
        try:
            return function(request)
        except Exception:
            _LOG.exception("a fault of the page")  # the gate tells the visitor nothing of it
            raise

    answer.__name__ = function.__name__
    return answer


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _gradio():
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ["no_proxy"] = "*"  # Gradio makes clients, which look for proxies; the page asks nobody for anything
    try:
        import gradio
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise InputError("the page needs Gradio: pip install 'imagents[web]'") from None
    return gradio

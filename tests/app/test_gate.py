"""The gate: under which names the page is there, for whose pages, and what it lets through."""

import asyncio
import concurrent.futures
import logging
import socket

import pytest

from imagents.app.gate import Gate, Once, serves

OWN = socket.gethostname().lower()


def visit(gate, method="GET", path="/", **headers):
    """The status, the headers and the body of a reply."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, values in headers.items() for value in values.split("|")]
    scope = {"type": "http", "method": method, "path": path, "headers": pairs}
    with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:  # the browser's own loop may be running here
        elsewhere.submit(lambda: asyncio.run(gate(scope, receive, send))).result()
    start, *rest = sent
    return start["status"], dict(start["headers"]), b"".join(part["body"] for part in rest)


async def page(scope, receive, send):
    """Lets everybody in, as Gradio does, and says whether it saw from where they come."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"origin" if b"origin" in dict(scope["headers"]) else b"page"})


@pytest.mark.parametrize("host, name", [
    *[("127.0.0.1", name) for name in ("127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.3.2.1")],
    ("::1", "[::1]:7860"), ("0.0.0.0", "192.168.1.7:7860"), ("0.0.0.0", f"{OWN}:7860"), ("::", f"{OWN}.local"),
    ("box.example.org", "box.example.org:7860"),
])
def test_the_page_is_there_under_its_own_names(host, name):
    assert visit(Gate(page, serves(host)), host=name)[::2] == (200, b"page")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "192.168.1.7"])
@pytest.mark.parametrize("name", [
    "evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example@localhost",
    "[::1", "", "0x7f.1", "localhost|evil.example", "localhost evil.example",
])
def test_under_a_name_that_others_can_point_here_it_is_not(host, name):
    for path, method in (("/", "GET"), ("/nowhere", "GET"), ("/gradio_api/component_server", "POST")):
        status, _, said = visit(Gate(page, serves(host)), method, path, host=name)
        assert (status, said[:27]) == (421, b"this page has another name:")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "[::1]:7860", "192.168.1.7:7860"])
def test_only_its_own_script_may_ask_in_a_browser(host):
    gate = Gate(page, serves("0.0.0.0"))
    assert visit(gate, host=host, origin=f"http://{host}")[::2] == (200, b"page")  # nor does Gradio learn from where
    for origin in ("http://evil.example", "null", "", f"http://{host}0", "http://localhost:3000", "http://127.0.0.1",
                   "http://6.6.6.6:7860", f"http://{host}@evil.example", f"http://{host}|http://evil.example"):
        for method in ("GET", "POST", "OPTIONS"):
            status, headers, said = visit(gate, method, "/gradio_api/component_server", host=host, origin=origin)
            assert (status, said) == (403, b"this page answers no other page"), origin
            assert not [name for name in headers if name.startswith(b"access-control")]


def test_a_question_beforehand_gets_nothing_even_from_its_own_script():
    asked = {"host": "localhost", "origin": "http://localhost", "access-control-request-method": "POST"}
    assert visit(Gate(page, serves("127.0.0.1")), "OPTIONS", "/config", **asked)[0] == 404


def test_behind_a_proxy_it_has_the_proxys_name_too():
    root = "https://play.example.org:8443/games"
    gate = Gate(page, serves("127.0.0.1", root), root)
    for host in ("play.example.org:8443", "play.example.org", "127.0.0.1:7860"):
        assert visit(gate, host=host, origin="https://play.example.org:8443")[0] == 200
    assert visit(gate, host="example.org")[0] == 421
    assert visit(gate, host="play.example.org", origin="https://example.org")[0] == 403


def test_on_a_space_it_has_any_name_and_still_no_other_page_learns_anything():
    assert visit(Gate(page), host="person-space.hf.space", origin="https://evil.example")[::2] == (200, b"page")


@pytest.mark.parametrize("answers", [0, 500])
def test_it_hides_what_breaks_behind_it(answers):
    async def breaks(scope, receive, send):
        if answers:
            await send({"type": "http.response.start", "status": answers, "headers": []})
            await send({"type": "http.response.body", "body": b"a stack trace"})
        raise KeyError("a stack trace")

    status, _, said = visit(Gate(breaks), "POST", "/gradio_api/component_server")
    assert (status, said) == (400, b"that is no request of this page")


def test_a_log_says_once_what_a_visitor_can_make_it_say_again(caplog):
    log = logging.getLogger("a log")
    log.addFilter(Once())
    for number in range(100):
        log.warning("a visitor sent %s", "x" * number)
        for broken in ("[][0]", "{}[0]"):
            try:
                eval(broken)  # noqa: S307
            except LookupError:
                log.exception("a fault")
    assert [record.getMessage() for record in caplog.records] == ["a visitor sent ", "a fault", "a fault"]
    for number in range(10_000):
        log.warning(f"a visitor sent {number}")  # noqa: G004
    assert len(caplog.records) <= 1000

"""The page's server: what it answers, what it refuses, and that it shows no file of the machine."""

import http.server
import json
import socket
import sys
import threading

import pytest

from imagents.app import web
from imagents.cli import main
from imagents.errors import InputError

pytest.importorskip("gradio", reason="the extra `web` is missing")
httpx = pytest.importorskip("httpx")


@pytest.fixture(scope="module")
def client(page_address):
    with httpx.Client(base_url=page_address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def ask(client):
    """Calls a function of one of the page's components, as its script does."""
    components = client.get("/config").json()["components"]
    homes = {name: c["id"] for c in components for name in c["props"].get("server_fns") or ()}

    def ask(data, function="judge", component="judge"):
        body = {"session_hash": "visitor", "component_id": homes[component], "fn_name": function, "data": data}
        return client.post("/gradio_api/component_server", json=body)

    return ask


def test_a_game_is_played_over_the_network(ask):
    reply = ask({"state": {"verdicts": True}, "do": "move", "value": 4}, "reply").json()
    assert reply["state"]["moves"][0] == 4 and len(reply["state"]["moves"]) == 2
    assert "A draw with perfect play" in reply["html"]


def test_it_listens_at_loopback_only(client):
    port = client.base_url.port
    with socket.socket() as probe:
        probe.settimeout(2)
        own = socket.gethostbyname(socket.gethostname())
        assert own.startswith("127.") or probe.connect_ex((own, port)) != 0


SECRETS = ["/etc/passwd", "secret.txt", "../secret.txt", "runs/../secret.txt", "measured/config.json"]
DOORS = ["/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/svelte/", "/gradio_api/proxy=",
         "/gradio_api/stream/", "/custom_component/", "/"]


@pytest.mark.parametrize("door", DOORS)
def test_no_file_of_the_machine_can_be_read(client, runs, door):
    secret = runs.parent / "secret.txt"
    outside = [str(secret), f"/{secret}", str(runs / "measured" / "config.json")]
    for name in [*SECRETS, *outside]:
        ways = {name, name.replace("/", "%2f"), "../../../../.." + name, "%2e%2e/" * 8 + name, "..%5c" * 8 + name}
        for way in ways | {"....//" * 5 + name, "..;/" * 5 + name, "%252e%252e%252f" * 5 + name}:
            answer = client.get(door + way)
            assert answer.status_code in (400, 404), door + way
            assert "a secret" not in answer.text and "root:" not in answer.text and "learning_rate" not in answer.text


@pytest.mark.parametrize("method, path", [
    ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/queue/join"), ("POST", "/gradio_api/run/predict"),
    ("GET", "/gradio_api/queue/data"), ("GET", "/monitoring"), ("GET", "/gradio_api/dev/reload"), ("PUT", "/"),
    ("DELETE", "/"), ("POST", "/login"), ("GET", "/gradio_api/vibe-code"), ("POST", "/gradio_api/vibe-edit"),
    ("OPTIONS", "/gradio_api/component_server"),
])
def test_what_the_page_does_not_need_is_shut(client, method, path):
    answer = client.request(method, path)
    assert (answer.status_code, answer.text) == (404, "there is nothing here")


def test_only_runs_below_the_folder_can_be_looked_at(ask):
    for name in ("../runs/measured", "/etc", "..", "measured/../measured", "measured/", "", None, 3, ["measured"], {}):
        reply = ask({"run": name}, "training", component="training").json()
        assert reply["run"] == "measured"  # the newest one there is, as for somebody who has not chosen yet


def test_forged_requests_get_a_line_and_no_stack_trace(client, ask):
    forged = [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, json.dumps({"data": 1}).encode(),
        json.dumps({"session_hash": 1, "component_id": "x", "fn_name": None, "data": {}}).encode(),
        json.dumps({"session_hash": "x", "component_id": 10**9, "fn_name": "reply", "data": {}}).encode(),
    ]
    for body in forged:
        answer = client.post("/gradio_api/component_server", content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500 and "Traceback" not in answer.text and len(answer.text) < 500, body[:30]
    for function in ("__class__", "postprocess", "get_config", "launch", ""):
        assert ask({}, function).status_code == 404
    for data in (None, 1, "x", [], [[]], {"state": []}, {"state": {"moves": [1e308, None]}}, {"do": {"a": 1}}):
        assert ask(data, "reply").json()["state"]["moves"] == []


def test_enormous_requests_are_refused_before_they_are_read(client, ask):
    assert ask({"state": "x" * 100_000}, "reply").status_code == 413

    def endless():
        for _ in range(100):
            yield b" " * 10_000

    assert client.post("/gradio_api/component_server", content=endless()).status_code == 413


def test_browsers_are_told_to_ask_nobody_else(client):
    answer = client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "fonts.googleapis.com" not in answer.text and "fonts.googleapis.com" not in client.get("/theme.css").text
    assert client.get("/config").json()["analytics_enabled"] is False


def test_a_fault_of_ours_leaves_its_trace_on_the_server(caplog):
    def reply(request):
        raise ValueError("shapes do not match")

    for _ in range(100):  # however often a visitor makes it
        with pytest.raises(ValueError, match="shapes"):
            web._answering(reply)({})
    assert [str(record.exc_info[1]) for record in caplog.records] == ["shapes do not match"]


# A page without agents, which needs no TensorFlow: `imagents web` is far slower.
LAUNCH = """
import sys
from imagents.app import cast, server, web
from imagents.app.gate import serves
from imagents.config import environment_settings
host, port, root = sys.argv[1:]
blocks = web.build(cast.Cast([environment_settings("tic_tac_toe")]))
web.launch(blocks, server.listen(host, int(port)), root, serves(host, root))
"""


@pytest.mark.slow
def test_it_is_there_at_the_loopback_address_of_ipv6(serve):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serve([sys.executable, "-c", LAUNCH, "::1", "PORT", ""], host="::1") as address:
        assert address.startswith("http://[::1]:") and httpx.get(address, timeout=30).status_code == 200


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes on what lies below /play, without it, under the name that it was asked for or one of its own choice."""

    def do_GET(self):
        if not self.path.startswith(("/play/", "/manifest.json", "/favicon.ico")):  # browsers look there on their own
            return self.send_error(404)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: self.headers[name] for name in ("host", "origin", "content-type") if name in self.headers}
        url = self.server.behind + self.path.removeprefix("/play")
        answer = httpx.request(self.command, url, content=body, headers=headers | self.server.headers, timeout=30)
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", ""))
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET

    def log_message(self, *said):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("whole, headers", [
    pytest.param(False, {}, id="a path"),
    pytest.param(True, {}, id="an address"),
    pytest.param(True, {"host": "localhost"}, id="an address, and the name is changed"),
])
def test_it_is_played_behind_a_path_of_a_proxy(serve, browser, visitor, whole, headers):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        address, proxy.headers = f"http://127.0.0.1:{proxy.server_port}/play", headers
        with serve([sys.executable, "-c", LAUNCH, "127.0.0.1", "PORT", address if whole else "/play"]) as proxy.behind:
            threading.Thread(target=proxy.serve_forever).start()
            person = visitor(browser, f"{address}/")
            person.move(4)
            assert person.state["moves"][0] == 4 and (person.complaints, person.foreign) == ([], [])
            person.context.close()
            proxy.shutdown()


@pytest.mark.parametrize("names", [("http_proxy",), ("HTTPS_PROXY", "HTTP_PROXY"), ("ALL_PROXY",), ("all_proxy",)])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://"])
def test_proxies_of_the_surroundings_are_nothing_to_the_page(monkeypatch, names, proxy):
    monkeypatch.setenv("no_proxy", "example.org")
    for name in names:
        monkeypatch.setenv(name, proxy)
    web._gradio()
    httpx.Client().close()  # which is what importing Gradio does


def test_what_gradio_lacks_is_not_gradio(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gradio", None)
        with pytest.raises(InputError, match="the page needs Gradio: pip install"):
            web._gradio()
    (tmp_path / "gradio.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gradio", raising=False)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs"):
        web._gradio()


@pytest.mark.parametrize("arguments, said", [
    (["--runs", "nowhere"], "--runs nowhere: there is no such folder"),
    (["--port", "0"], "--port 0: ports are 1 to 65535"),
    (["--host", "203.0.113.7"], "--host 203.0.113.7: the page cannot listen there: "),
    (["--port", "65536"], "--port 65536: ports are 1 to 65535"),
    (["--host", "no.such.host.invalid"], "--host no.such.host.invalid: the page cannot listen there: "),
    (["--root-path", "play"], "--root-path play: it is a path, /play, or an address, https://example.org/play"),
    (["--agents", "x"], "--agents says what to put on a Space"),
])
def test_what_cannot_be_is_said_in_one_sentence(capsys, arguments, said):
    assert main(["web", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"imagents web: {said}")


def test_a_port_that_is_taken_is_named(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["web", "--port", str(port)]) == 2
        assert f"--port {port}: the page cannot listen there: Address already in use" in capsys.readouterr().err

"""The server: where it listens, and that those who wait, half-ask or never read keep nobody out."""

import contextlib
import http.client
import socket
import threading
import time

import pytest

from imagents.errors import InputError

server = pytest.importorskip("imagents.app.server", reason="the extra `web` is missing")


async def large(scope, receive, send):
    """An application that sends 50 MB to who asks for /large, and a word to everybody else."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        body = bytes(50_000_000) if scope["path"] == "/large" else b"a page"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def serve(monkeypatch):
    """Serves with little patience, and gives the address."""
    made, kind, threads = [], server.uvicorn.Server, []

    def make(config):
        made.append(kind(config))
        return made[-1]

    def serve(patience=0.3, most=5):
        monkeypatch.setattr(server.uvicorn, "Server", make)
        monkeypatch.setattr(server, "_PATIENCE", patience)
        monkeypatch.setattr(server, "_MOST_CONNECTIONS", most)
        listener = server.listen("127.0.0.1", free_port())
        threads.append(threading.Thread(target=server.serve, args=(large, listener)))
        threads[-1].start()
        assert ask(listener.getsockname()) == b"a page"
        return listener.getsockname()

    serve.connections = lambda: made[-1].server_state.connections
    yield serve
    made[-1].should_exit = True
    threads[-1].join()


@pytest.fixture
def connect():
    """Connects, and sends something."""
    with contextlib.ExitStack() as stack:
        def connect(place, sent=b""):
            connection = stack.enter_context(socket.create_connection(place, timeout=10))
            connection.sendall(sent)
            return connection

        yield connect


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(place):
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=10)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read()


def is_cut(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("sent", [
    b"", b"GET", HEAD, HEAD + b"Content-Length: 10\r\n\r\n12345", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12",
], ids=["nothing", "half a line", "half a head", "half a body", "half a chunk"])
def test_who_does_not_ask_in_time_is_cut(serve, connect, sent):
    connection, started = connect(serve(), sent), time.monotonic()
    assert is_cut(connection) and time.monotonic() - started < 5


def test_who_sends_a_byte_now_and_then_is_cut_all_the_same(serve, connect):
    connection = connect(serve(), HEAD)
    with pytest.raises(OSError):
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)


def test_who_does_not_read_is_cut(serve, connect):
    connection = connect(serve(), b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(1, socket.MSG_PEEK)  # the reply has begun
    for _ in range(200):
        if serve.connections():
            time.sleep(0.05)
    received = 0
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(2**20):
            received += len(part)
    assert received < 50_000_000


def test_who_asks_again_in_time_stays(serve):
    with contextlib.closing(http.client.HTTPConnection(*serve(patience=0.5), timeout=10)) as connection:
        for _ in range(4):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"a page"
            time.sleep(0.2)


def test_any_number_of_idle_connections_keeps_nobody_out(serve, connect, caplog):
    place = serve(patience=60, most=5)
    idle = [connect(place, HEAD if number % 2 else b"") for number in range(50)]
    started = time.monotonic()
    assert [ask(place) for _ in range(3)] == [b"a page"] * 3
    assert time.monotonic() - started < 5
    assert all(map(is_cut, idle[:40])) and caplog.records == []


def test_what_is_no_http_is_logged_once(serve, connect, capfd):
    place = serve()
    for _ in range(20):
        assert connect(place, b"\x16\x03\x01 no http\r\n\r\n").recv(100).startswith(b"HTTP/1.1 400")
    assert capfd.readouterr().err.count("Invalid HTTP request received.") == 1


@pytest.mark.parametrize("host, shown", [
    ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("[::1]", "[::1]"), ("0.0.0.0", "localhost"), ("::", "localhost"),
])
def test_it_listens_where_it_is_told_and_names_the_address(host, shown):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with server.listen(host) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # which its connections take over
        port = listener.getsockname()[1]
        assert server.address(listener) == f"http://{shown}:{port}/" and 7860 <= port < 7960
        with server.listen(host) as another:
            assert another.getsockname()[1] != port


def test_to_listen_at_all_addresses_of_ipv6_is_to_listen_at_those_of_ipv4_too():
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with server.listen("::") as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1])):
        pass


@pytest.mark.parametrize("host, port, said", [
    ("no.such.host.invalid", None, "--host no.such.host.invalid: the page cannot listen there: "),
    ("x" * 300, None, "the page cannot listen there: "),
    ("203.0.113.7", 8000, "--host 203.0.113.7 --port 8000: the page cannot listen there: Cannot assign"),
    ("\x00", None, "the page cannot listen there: "),
])
def test_where_nobody_can_listen_is_said_in_a_sentence(host, port, said):
    with pytest.raises(InputError) as error:
        server.listen(host, port)
    assert said in str(error.value) and "while" not in str(error.value)

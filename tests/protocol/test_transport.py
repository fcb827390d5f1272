"""The seam to the network, against a real server on loopback."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import threading
import time

import pytest
import requests

from django_goffline.protocol.errors import (
    AnswerError,
    DeadlineExceeded,
    RequestRejectedError,
    TransientError,
)
from django_goffline.protocol.transport import Answer, Transport

from .wire import reply

#: Far more than a deadline in these tests, far less than any time-out.
GENEROUS = 5.0


@pytest.fixture
def transport():
    transport = Transport()
    yield transport
    transport.close()


def test_a_whole_exchange(server, transport):
    server.script = lambda handler: reply(handler, b'{"a": 1}', status=201, X_Told="yes")
    answer = transport.send(
        "GET",
        f"{server.url}/calendars/a%40b%23c/events",
        query=[("q", "a b&c"), ("q", "d")],
        bearer="t",
    )
    assert (answer.status, answer.json(), answer.headers["x-told"]) == (201, {"a": 1}, "yes")
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("GET", "/calendars/a%40b%23c/events?q=a+b%26c&q=d")
    assert headers["Authorization"] == "Bearer t"
    assert headers["Accept-Encoding"] == "gzip"
    assert "gzip" in headers["User-Agent"]


def test_forms_and_json(server, transport):
    transport.send("POST", server.url, form={"token": "1//a b"})
    transport.send("POST", server.url, json={"a": [1]}, basic=("client:1", "s/cret"))
    form, document = server.requests
    assert form[3] == b"token=1%2F%2Fa+b"
    assert form[2]["Content-Type"] == "application/x-www-form-urlencoded"
    assert document[3] == b'{"a": [1]}'
    # base64 of "client%3A1:s%2Fcret"
    assert document[2]["Authorization"] == "Basic Y2xpZW50JTNBMTpzJTJGY3JldA=="


def test_connections_are_reused(server, transport):
    for _ in range(3):
        transport.send("GET", server.url)
    assert (len(server.requests), server.connections) == (3, 1)


def test_user_agent_says_gzip_whatever_is_asked(server):
    Transport(user_agent="mine/1").send("GET", server.url)
    assert server.requests[0][2]["User-Agent"] == "mine/1 (gzip)"


def test_no_cookie_goes_from_one_person_to_the_next(server, transport):
    server.script = lambda handler: reply(handler, Set_Cookie="person=1; Path=/")
    transport.send("GET", server.url)
    transport.send("GET", server.url)
    assert "Cookie" not in server.requests[1][2]


def test_no_netrc_replaces_the_token(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    Transport().send("GET", server.url, bearer="t")
    assert server.requests[0][2]["Authorization"] == "Bearer t"


def test_loopback_needs_no_proxy(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Transport().send("GET", server.url).status == 200


def test_redirects_are_not_followed(server, transport):
    server.script = lambda handler: reply(handler, status=307, Location=f"{server.url}/elsewhere")
    answer = transport.send("GET", server.url, bearer="t")
    assert answer.status == 307
    assert len(server.requests) == 1


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_gzip(server, transport, size):
    plain = b"x" * size
    server.script = lambda handler: reply(handler, gzip.compress(plain), Content_Encoding="gzip")
    assert transport.send("GET", server.url).content == plain


def test_chunked(server, transport):
    def script(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")

    server.script = script
    assert transport.send("GET", server.url).content == b"abcdefg"
    assert transport.send("GET", server.url).content == b"abcdefg"
    assert server.connections == 1


def test_what_says_gzip_but_is_none(server, transport):
    server.script = lambda handler: reply(handler, b"plain", Content_Encoding="gzip")
    with pytest.raises(AnswerError) as caught:
        transport.send("GET", server.url)
    assert caught.value.code == "not_gzip"


def test_half_a_gzip(server, transport):
    half = gzip.compress(os.urandom(1000))[:500]
    server.script = lambda handler: reply(handler, half, Content_Encoding="gzip")
    with pytest.raises(AnswerError):
        transport.send("GET", server.url)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_has_a_largest_size(server, encoding):
    body = gzip.compress(b"0" * 5000) if encoding == "gzip" else b"0" * 5000
    server.script = lambda handler: reply(handler, body, Content_Encoding=encoding)
    with pytest.raises(AnswerError) as caught:
        Transport(largest_body=4999).send("GET", server.url)
    assert caught.value.code == "too_large"
    assert Transport(largest_body=5000).send("GET", server.url).content == b"0" * 5000


def test_a_cut_body(server, transport):
    def script(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"half":')
        handler.close_connection = True

    server.script = script
    with pytest.raises(TransientError) as caught:
        transport.send("GET", server.url)
    assert (caught.value.code, caught.value.status) == ("connection", 200)


def test_a_cut_chunked_body(server, transport):
    def script(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"ff\r\nabc")
        handler.close_connection = True

    server.script = script
    with pytest.raises(TransientError):
        transport.send("GET", server.url)


def test_a_reset_connection(server, transport):
    def script(handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())

    server.script = script
    with pytest.raises(TransientError) as caught:
        transport.send("GET", server.url)
    assert caught.value.code == "connection"


def test_nobody_listens(transport):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(TransientError) as caught:
            transport.send("GET", f"http://127.0.0.1:{port}/")
    assert caught.value.code == "connection"


def test_no_answer_within_the_read_timeout(server):
    server.script = lambda handler: server.over.wait(GENEROUS)
    with pytest.raises(TransientError) as caught:
        Transport(read_timeout=0.1).send("GET", server.url)
    assert type(caught.value) is TransientError
    assert caught.value.code == "timeout"


def test_no_answer_before_the_deadline(server, transport):
    server.script = lambda handler: server.over.wait(GENEROUS)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        transport.send("GET", server.url, deadline=started + 0.2)
    assert time.monotonic() - started < GENEROUS


def drip(server, *, pause):
    def script(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not server.over.wait(pause):
            handler.wfile.write(b".")
            handler.wfile.flush()

    return script


def test_a_body_that_drips_ends_at_the_deadline(server, transport):
    server.script = drip(server, pause=0.01)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        transport.send("GET", server.url, deadline=started + 0.3)
    assert time.monotonic() - started < GENEROUS


def test_a_body_that_stops_ends_at_the_deadline(server):
    # The read time-out alone would wait for half a minute.
    server.script = drip(server, pause=60)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        Transport(total_timeout=0.3).send("GET", server.url)
    assert time.monotonic() - started < GENEROUS


def test_half_read_connections_are_not_reused(server, transport):
    server.script = drip(server, pause=0.01)
    with pytest.raises(DeadlineExceeded):
        transport.send("GET", server.url, deadline=time.monotonic() + 0.2)
    server.script = reply
    assert transport.send("GET", server.url).content == b"{}"


def test_nothing_is_sent_without_time(server, transport):
    with pytest.raises(DeadlineExceeded):
        transport.send("GET", server.url, deadline=time.monotonic() - 1)
    assert server.requests == []


def test_only_allowed_hosts(server):
    fenced = Transport(allowed_hosts={"127.0.0.1:1"})
    with pytest.raises(RequestRejectedError) as caught:
        fenced.send("GET", server.url, bearer="t")
    assert caught.value.code == "host_not_allowed"
    assert server.requests == []
    host = server.url.removeprefix("http://")
    assert Transport(allowed_hosts={host}).send("GET", server.url).status == 200


@pytest.mark.parametrize("token", ["two\r\nlines", "emoji \N{PARTY POPPER}"])
def test_a_token_that_is_no_header(server, transport, token):
    with pytest.raises((RequestRejectedError, TransientError)) as caught:
        transport.send("GET", server.url, bearer=token)
    assert token not in str(caught.value)
    assert caught.value.__context__ is None
    assert server.requests == []


def test_many_threads_share_one_transport(server):
    transport = Transport(pool_size=4)
    answers = []

    def work():
        answers.extend(transport.send("GET", server.url).status for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert answers == [200] * 20
    assert server.connections <= 4


def test_another_process_opens_its_own_connections(server, transport, monkeypatch):
    transport.send("GET", server.url)
    another = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: another)
    transport.send("GET", server.url)
    assert server.connections == 2


def test_answers_of_an_older_urllib3(server, transport, monkeypatch):
    monkeypatch.delattr("urllib3.response.HTTPResponse.read1")
    monkeypatch.delattr("urllib3.response.BaseHTTPResponse.read1")
    server.script = lambda handler: reply(handler, gzip.compress(b"abc"), Content_Encoding="gzip")
    assert transport.send("GET", server.url).content == b"abc"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json(body):
    with pytest.raises(AnswerError) as caught:
        Answer(status=200, headers={}, content=body).json()
    assert caught.value.status == 200
    assert caught.value.__context__ is None


def test_an_answers_repr_is_not_its_body():
    assert (
        repr(Answer(status=200, headers={"x": "y"}, content=b"secret")) == "<Answer 200, 6 bytes>"
    )


def test_untrusted_certificates_are_told_apart(google):
    google.answers.append(requests.exceptions.SSLError("https://x/?secret"))
    with pytest.raises(TransientError) as caught:
        Transport(adapter=google).send("GET", "https://www.googleapis.com/")
    assert caught.value.code == "tls"

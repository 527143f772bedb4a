"""WebSockets: who may open one, from which page, and when it ends."""

import base64
import json
import os
import socket
import struct
import time

import pytest

from api import Person, raw, status
from stack import PASSWORD, PUBLIC_HOST


def handshake(path, origin=None, protocol="trunkline.v1", more=""):
    key = base64.b64encode(os.urandom(16)).decode()
    lines = f"GET {path} HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {protocol}\r\n"
    return lines + (f"Origin: {origin}\r\n" if origin else "") + more + "\r\n"


def ticket(person):
    return person.post("/api/v1/stream/tickets").json()["ticket"]


@pytest.mark.parametrize("origin", [None, f"https://{PUBLIC_HOST}"])
def test_our_page_opens_the_stream(stack, operator, origin):
    answer = raw(stack.port, handshake(f"/api/v1/stream?ticket={ticket(operator)}", origin), limit=0.5)
    assert status(answer) == 101, answer[:300]


def test_a_ticket_opens_one_stream(stack, operator):
    path = f"/api/v1/stream?ticket={ticket(operator)}"
    assert status(raw(stack.port, handshake(path), limit=0.5)) == 101
    assert status(raw(stack.port, handshake(path), limit=0.5)) == 401


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/stream?ticket=guessed", "/api/v1/stream?access_token=x"])
def test_nobody_opens_a_stream(stack, path):
    assert status(raw(stack.port, handshake(path), limit=0.5)) == 401


def test_cookies_open_no_stream(stack):
    # A socket that another site's page opens carries a person's cookies: they are good for nothing here.
    answer = Person(stack.base).sign_in("operator@demo.test", PASSWORD)
    cookie = "; ".join(line.split(";")[0] for line in answer.headers.get_list("set-cookie"))
    opened = raw(stack.port, handshake("/api/v1/stream", "https://evil.test", more=f"Cookie: {cookie}\r\n"), limit=0.5)
    assert status(opened) in (401, 403)


def test_another_sites_page_opens_no_phone(stack, operator):
    session = operator.post("/api/v1/softphone/session")
    assert session.status_code == 200, session.text
    path = "/ws/sip" + session.json()["ws_url"].split("/ws/sip", 1)[1]
    for origin in ("https://evil.test", "null", f"https://{PUBLIC_HOST}.evil.test"):
        assert status(raw(stack.port, handshake(path, origin, "sip"), limit=0.5)) == 403, origin
    changed = path[:-1] + ("A" if path[-1] != "A" else "B")
    assert status(raw(stack.port, handshake(changed, f"https://{PUBLIC_HOST}", "sip"), limit=0.5)) in (401, 403)
    assert status(raw(stack.port, handshake(path, f"https://{PUBLIC_HOST}", "sip"), limit=0.5)) == 101


class Socket:
    """Just enough of a client to be told to go."""

    def __init__(self, stack, path):
        self.connection = socket.create_connection(("127.0.0.1", stack.port), timeout=5)
        self.connection.sendall(handshake(path).encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.connection.recv(4096)
        assert b" 101 " in self.data.split(b"\r\n")[0]
        self.data = self.data.split(b"\r\n\r\n", 1)[1]

    def need(self, count):
        while len(self.data) < count:
            piece = self.connection.recv(4096)
            if not piece:
                return False
            self.data += piece
        return True

    def frame(self):
        """The next frame: its opcode and payload; nothing once the connection is closed."""
        if not self.need(2):
            return None
        opcode, length, at = self.data[0] & 15, self.data[1] & 127, 2
        if length == 126:
            self.need(4)
            length, at = struct.unpack(">H", self.data[2:4])[0], 4
        self.need(at + length)
        payload, self.data = self.data[at : at + length], self.data[at + length :]
        return opcode, payload

    def send(self, value):
        payload = json.dumps(value).encode()
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + struct.pack(">H", len(payload))
        self.connection.sendall(b"\x81" + size + b"\0\0\0\0" + payload)

    def close_code(self):
        while frame := self.frame():
            if frame[0] == 8:
                return struct.unpack(">H", frame[1][:2])[0]
        return None


def test_signing_out_closes_the_stream_within_a_second(stack):
    person = Person(stack.base, "operator2@demo.test")
    stream = Socket(stack, f"/api/v1/stream?ticket={ticket(person)}")
    assert json.loads(stream.frame()[1])["type"] == "hello"
    begun = time.monotonic()
    assert person.post("/api/v1/auth/logout").status_code == 204
    assert stream.close_code() == 4401
    assert time.monotonic() - begun < 1


def test_an_unmasked_or_endless_frame_ends_the_connection(stack, operator):
    for frame in (b"\x81\x02{}", b"\x81\xff" + struct.pack(">Q", 2**62) + b"\0\0\0\0", b"\x83\x80\0\0\0\0", b"\xf1\x80\0\0\0\0"):
        stream = Socket(stack, f"/api/v1/stream?ticket={ticket(operator)}")
        stream.connection.sendall(frame)
        assert stream.close_code() in (None, 1002, 1009, 4400), frame


def test_another_tenants_events_do_not_come(stack, stranger, operator):
    stream = Socket(stack, f"/api/v1/stream?ticket={ticket(stranger)}")
    stream.send({"type": "subscribe", "after": 0})
    operator.send("PATCH", "/api/v1/me", json={"name": "An operator of the demo"})
    stranger.send("PATCH", "/api/v1/me", json={"name": "A stranger by name"})
    seen = b""
    while b"A stranger by name" not in seen:
        frame = stream.frame()
        assert frame, seen
        seen += frame[1]
    assert b"An operator of the demo" not in seen and operator.id.encode() not in seen

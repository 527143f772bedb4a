"""Addresses that somebody else chose: nobody is sent to one, and the gateway fetches none that leads inside."""

import re
import socket
import threading
import uuid

import pytest

from api import properties, raw, resolve, sample, status

AWAY = ["//evil.test", "//evil.test/..", "/\\evil.test", "/%5cevil.test", "///evil.test", "/.evil.test//", "https://evil.test", "/%09/evil.test", "/%2f%2fevil.test", "javascript:alert(1)", "/http://evil.test", "//evil.test%00/assets"]
NAMES = ["next", "url", "redirect", "redirect_uri", "redirect_url", "return", "return_to", "continue", "dest", "target", "back", "callback", "post_logout_redirect_uri"]


def leads_away(answer):
    head = answer.split("\r\n\r\n")[0]
    place = re.search(r"(?im)^location:\s*(.*)$", head)
    refresh = re.search(r"(?im)^refresh:", head)
    return bool(refresh) or bool(place and re.search(r"evil\.test|^javascript:|^[/\\]{2}", place[1]))


@pytest.mark.parametrize("away", AWAY)
def test_no_path_sends_anybody_away(stack, away):
    for accepts in ("text/html", "*/*"):
        answer = raw(stack.port, f"GET {away} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accepts}\r\nConnection: close\r\n\r\n")
        assert status(answer) in (0, 200, 400, 404, 421), f"{away}: {answer[:200]}"
        assert not leads_away(answer), answer[:300]


def test_no_parameter_sends_anybody_away(nobody, admin, every_operation):
    gets = [one.path for one in every_operation if one.method == "get" and not one.path.endswith("/stream")]
    for path in ["/", "/sign-in", "/dev", *gets]:
        path = re.sub(r"\{\w+\}", lambda _: str(uuid.UUID(int=7)), path)
        for person in (nobody, admin):
            answer = person.get(path, params={name: "https://evil.test/" for name in NAMES})
            assert "evil.test" not in answer.headers.get("location", ""), path
            assert "refresh" not in answer.headers, path


class Canary:
    """A server on loopback that must never be asked for anything."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.asked.append(connection.recv(2000))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                except OSError:
                    self.asked.append(b"")


@pytest.fixture
def canary():
    one = Canary()
    yield one
    one.socket.close()


def inside(port):
    """Ways to write an address that leads inside."""
    return [
        f"http://127.0.0.1:{port}/",
        f"https://127.0.0.1:{port}/",
        f"http://localhost:{port}/",
        f"http://127.1:{port}/",
        f"http://2130706433:{port}/",
        f"http://0x7f000001:{port}/",
        f"http://0177.0.0.1:{port}/",
        f"http://0.0.0.0:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://[::ffff:7f00:1]:{port}/",
        f"http://[64:ff9b::7f00:1]:{port}/",
        f"http://127.0.0.1.:{port}/",
        f"http://user@127.0.0.1:{port}/",
        f"http://example.test@127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}#@example.test/",
        f"http:\\\\127.0.0.1:{port}\\",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        f"gopher://127.0.0.1:{port}/_x",
        f"ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        f"dict://127.0.0.1:{port}/x",
    ]


def address_fields(document, schema, before=(), depth=0):
    """Where a body takes an address: by its format, or by its name."""
    for name, one in properties(document, schema).items():
        shape = resolve(document, one)
        kinds = shape.get("type")
        is_text = kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
        if is_text and (shape.get("format") in ("uri", "url", "iri") or re.search(r"(^|_)(url|uri|issuer|endpoint|api_base|webhook|callback|href|avatar|logo)($|_)", name)):
            yield (*before, name)
        elif depth < 4:
            yield from address_fields(document, shape, (*before, name), depth + 1)


def placed(whole, place, value):
    name, *rest = place
    inner = whole.get(name) if isinstance(whole.get(name), dict) else {}
    return whole | {name: placed(inner, rest, value) if rest else value}


def test_no_address_inside_is_fetched(admin, document, every_operation, canary):
    tried = []
    for operation in every_operation:
        schema = operation.what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            continue
        path = re.sub(r"\{\w+\}", lambda _: str(uuid.UUID(int=7)), operation.path)
        for place in address_fields(document, schema):
            tried.append(f"{operation.name} {'.'.join(place)}")
            for address in inside(canary.port):
                answer = admin.send(operation.method, path, json=placed(sample(document, schema), place, address))
                assert 400 <= answer.status_code < 500, f"{tried[-1]} = {address}: {answer.status_code} {answer.text}"
    assert canary.asked == [], canary.asked
    print(f"fields that take an address: {tried or 'none yet'}")


def test_no_header_and_no_parameter_makes_the_gateway_fetch(nobody, admin, canary):
    address = f"http://127.0.0.1:{canary.port}/"
    for name in ("x-forwarded-host", "x-original-url", "x-callback-url", "referer", "origin", "x-wap-profile", "client-ip", "true-client-ip", "profile", "location"):
        nobody.get("/", headers={name: address})
        admin.get("/api/v1/me", headers={name: address})
    for name in [*NAMES, "uri", "href", "src", "file", "webhook", "proxy", "host", "issuer", "iss", "request_uri"]:
        nobody.get("/", params={name: address})
        admin.get("/api/v1/setup", params={name: address})
    answer = raw(int(str(nobody.client.base_url.port)), f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{canary.port}\r\nConnection: close\r\n\r\n")
    assert "{}" not in answer.split("\r\n\r\n")[-1]
    raw(nobody.client.base_url.port, f"CONNECT 127.0.0.1:{canary.port} HTTP/1.1\r\nHost: 127.0.0.1:{canary.port}\r\n\r\n", limit=1)
    assert canary.asked == [], canary.asked

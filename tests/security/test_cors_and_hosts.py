"""Whose pages may use the API, and for which host requests may be meant."""

import pytest

from api import Person, raw, status
from stack import FRIEND, PUBLIC_HOST

EVIL = [
    "https://evil.test",
    "null",
    "file://",
    f"{FRIEND}.evil.test",
    FRIEND.replace("https", "http"),
    f"{FRIEND}:8443",
    f"{FRIEND}/",
    FRIEND.upper(),
    FRIEND.replace("intranet.", "intranet-"),
    f"https://evil.test {FRIEND}",
    f"https://{PUBLIC_HOST}.evil.test",
    "*",
    "",
]


def shared(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", EVIL)
def test_nobody_else_is_shown_an_answer(admin, origin):
    for path in ("/api/v1/me", "/api/v1/agents", "/api/v1/nothing", "/", "/metrics", "/dev/openapi.json"):
        assert shared(admin.get(path, headers={"origin": origin})) == {}, path
    preflight = {"origin": origin, "access-control-request-method": "PUT", "access-control-request-headers": "authorization"}
    answer = admin.client.options("/api/v1/agents/me/state", headers=preflight)
    assert shared(answer) == {}
    assert answer.status_code >= 400


def test_a_named_origin_is_answered_by_its_name(admin):
    answer = admin.get("/api/v1/me", headers={"origin": FRIEND})
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "origin" in answer.headers["vary"].lower(), "a cache must not give it to others"
    preflight = {"origin": FRIEND, "access-control-request-method": "PUT"}
    answer = admin.client.options("/api/v1/agents/me/state", headers=preflight)
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "*" not in str(shared(answer))
    assert "TRACE" not in answer.headers["access-control-allow-methods"]
    for path in ("/metrics", "/dev/openapi.json", "/health", "/"):
        assert shared(admin.get(path, headers={"origin": FRIEND})) == {}, f"{path} is no part of the API"


def test_a_script_of_another_site_cannot_send(admin):
    for method, path in (("PUT", "/api/v1/agents/me/state"), ("POST", "/api/v1/stream/tickets"), ("PATCH", "/api/v1/me"), ("DELETE", "/api/v1/setup/demo")):
        answer = admin.send(method, path, headers={"origin": "https://evil.test"}, json={})
        assert answer.status_code == 403, f"{method} {path}"
        answer = admin.send(method, path, headers={"sec-fetch-site": "cross-site"}, json={})
        assert answer.status_code == 403, f"{method} {path}"


@pytest.mark.parametrize("host", [PUBLIC_HOST, f"{PUBLIC_HOST}:443", PUBLIC_HOST.upper(), "localhost", "127.0.0.1:1", "[::1]"])
def test_our_own_names_are_answered(nobody, host):
    assert nobody.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.test", f"{PUBLIC_HOST}.evil.test", f"evil.{PUBLIC_HOST}", "169.254.169.254", "10.0.0.1", "0.0.0.0", "[fe80::1]", f"{PUBLIC_HOST}@evil.test", "evil.test:443"],
)
def test_a_name_that_was_made_to_point_here_is_refused(nobody, host):
    # DNS rebinding: the page of evil.test would read what is on loopback.
    for path in ("/", "/health", "/metrics", "/dev", "/api/v1/setup"):
        answer = nobody.get(path, headers={"host": host})
        assert answer.status_code in (400, 421), path
        assert "evil" not in answer.text and "location" not in answer.headers


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ("none", ""),
        ("two", f"Host: {PUBLIC_HOST}\r\nHost: evil.test\r\n"),
        ("with a user", f"Host: user@{PUBLIC_HOST}\r\n"),
        ("two in one", f"Host: {PUBLIC_HOST}, evil.test\r\n"),
        ("folded", f"Host: {PUBLIC_HOST}\r\n evil.test\r\n"),
        ("a path", f"Host: {PUBLIC_HOST}/evil\r\n"),
    ],
)
def test_a_host_is_named_once_and_clearly(stack, what, lines):
    answer = raw(stack.port, f"GET /health HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
    assert status(answer) in (0, 400, 421), answer[:200]


def test_the_address_counts_before_the_header(stack):
    answer = raw(stack.port, f"GET http://evil.test/health HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nConnection: close\r\n\r\n")
    assert status(answer) in (400, 421)


def test_nothing_that_we_say_is_made_of_the_host(stack):
    # Nor of what only a proxy may say: there is none that is trusted here.
    evil = {"x-forwarded-host": "evil.test", "forwarded": "host=evil.test;proto=http", "x-forwarded-proto": "http", "x-original-url": "/metrics", "x-rewrite-url": "/metrics"}
    nobody, operator = Person(stack.base), Person(stack.base, "operator@demo.test")
    for answer in (
        nobody.get("/", headers=evil | {"accept": "text/html"}),
        nobody.get("/health", headers=evil),
        nobody.get("/dev", headers=evil),
        operator.post("/api/v1/softphone/session", headers=evil),
        operator.post("/api/v1/stream/tickets", headers=evil),
    ):
        assert answer.status_code < 400, answer.text
        assert "evil.test" not in answer.text + str(answer.headers)


def test_a_client_cannot_say_that_it_is_on_this_machine(stack):
    # /metrics is open on loopback alone; what a proxy passed on is not from there.
    nobody = Person(stack.base)
    assert nobody.get("/metrics").status_code == 200
    for header in ("x-forwarded-for", "forwarded"):
        assert nobody.get("/metrics", headers={header: "127.0.0.1"}).status_code == 401, header

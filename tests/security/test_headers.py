"""What every answer tells a browser, and what no answer tells anybody."""

import re

import pytest

from api import Person, raw, status

PATHS = ["/", "/calls", "/theme.js", "/api/v1/me", "/api/v1/nothing", "/api/v1/auth/login", "/dev", "/dev/openapi.json", "/health", "/metrics", "/nothing.js", "/ws/sip"]


def directives(policy):
    return {name: set(values) for name, *values in (part.split() for part in policy.split(";") if part.strip())}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_every_answer_is_dressed(nobody, path, method):
    answer = nobody.send(method, path, headers={"accept": "text/html"})
    assert answer.status_code < 500
    policy = directives(answer.headers["content-security-policy"])
    assert policy["default-src"] == {"'none'"}
    assert policy["frame-ancestors"] == {"'none'"}
    # `default-src 'none'` stands in for object-src; base-uri has no fallback, and matters where there is a page.
    if "text/html" in answer.headers.get("content-type", ""):
        assert policy["base-uri"] == {"'none'"}
    everything = set().union(*policy.values())
    assert not any(word.startswith("'unsafe") or word in ("*", "http:", "https:") for word in everything), policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    if path.startswith("/api/"):
        assert "no-store" in answer.headers["cache-control"]
    if answer.content:
        assert answer.headers["content-type"]
    for name in ("server", "x-powered-by", "via", "x-aspnet-version"):
        assert name not in answer.headers


def test_the_panel_has_no_script_and_no_style_in_the_page(nobody):
    page = nobody.get("/", headers={"accept": "text/html"})
    policy = directives(page.headers["content-security-policy"])
    assert policy["script-src"] == {"'self'"}
    assert all(source == "'self'" or source.startswith("'sha256-") for source in policy["style-src"])
    assert policy["require-trusted-types-for"] == {"'script'"}
    for tag in re.findall(r"<script[^>]*>", page.text):
        assert "src=" in tag, tag
    assert not re.search(r"\son\w+\s*=|javascript:|<style", page.text)
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page.text), "something from elsewhere"


def test_data_is_never_shown_as_a_page(admin, document):
    for path in ("/api/v1/me", "/api/v1/agents", "/api/v1/audit", "/api/v1/nothing"):
        answer = admin.get(path, headers={"accept": "text/html"})
        assert answer.headers["content-type"].split(";")[0] in ("application/json", "application/problem+json"), path


def test_files_are_saved_or_shown_and_never_run(operator, recording):
    answer = operator.get(f"/api/v1/recordings/{recording}/audio")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert re.fullmatch(r"(inline|attachment); filename=.+", answer.headers["content-disposition"])
    assert "sandbox" in directives(answer.headers["content-security-policy"])
    assert "public" not in answer.headers["cache-control"]


def test_odd_methods_are_refused(stack):
    for method in ("TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "get", "GET\x00"):
        for path in ("/", "/api/v1/me", "/metrics"):
            answer = raw(stack.port, f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Secret: canary-7\r\nConnection: close\r\n\r\n")
            assert status(answer) in (0, 400, 401, 404, 405, 421), f"{method} {path}: {answer[:80]}"
            assert "canary-7" not in answer


def test_a_method_cannot_be_overridden(operator):
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        answer = operator.get("/api/v1/me", headers={name: "DELETE"})
        assert answer.status_code == 200
    assert operator.post("/api/v1/agents", params={"_method": "GET"}, json={}).status_code == 405


@pytest.mark.parametrize(
    ("what", "request_bytes"),
    [
        ("length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths", "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"),
        ("a length that is none", "Content-Length: +2\r\n\r\n{}"),
        ("a negative length", "Content-Length: -1\r\n\r\n{}"),
        ("an odd encoding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunks hidden by a space", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("chunks twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        ("a chunk size that is none", "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_where_a_request_ends_is_never_in_doubt(stack, what, request_bytes):
    # Smuggling: a second request that hides behind the first must not be answered.
    hidden = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    begun = "POST /api/v1/auth/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    answer = raw(stack.port, begun + request_bytes + hidden, limit=1)
    assert status(answer) in (0, 400, 401, 411, 501), answer[:200]
    if status(answer) in (400, 411, 501):
        assert answer.count("HTTP/1.1 ") == 1, f"{what}: {answer[:400]}"


def test_headers_without_end_are_refused(stack):
    answer = raw(stack.port, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X-A: b\r\n" * 500 + "\r\n")
    assert status(answer) in (0, 400, 431)
    answer = raw(stack.port, f"GET /health?{'a' * 1_000_000} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert status(answer) in (0, 400, 414, 431)


def test_what_is_hidden_stays_hidden(nobody):
    for path in ("/.git/config", "/.git/HEAD", "/.env", "/trunkline.toml", "/Cargo.toml", "/openapi.json", "/assets/", "/assets", "/.vite/manifest.json", "/src/main.tsx", "/debug/pprof", "/server-status", "/actuator", "/swagger", "/index.html.br", "/assets/../trunkline.toml", "/index.js.map"):
        answer = nobody.get(path)
        assert answer.status_code == 404, f"{path}: {answer.status_code}"


def test_errors_tell_nothing_of_the_inside(nobody, admin):
    answers = [
        nobody.get("/api/v1/agents"),
        admin.get("/api/v1/calls", params={"cursor": "x"}),
        admin.get("/api/v1/calls/x"),
        admin.post("/api/v1/auth/login", content=b"\xff\xfe", headers={"content-type": "application/json"}),
        admin.post("/api/v1/auth/login", json={"email": 1}),
        admin.get("/api/v1/%ff"),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert not re.search(r"(?i)sqlx|postgres|panicked|\.rs:\d+|/root/|stack backtrace|relation \"|tokio|axum|serde", answer.text), answer.text


def test_an_answer_names_its_request(stack):
    first, second = (Person(stack.base).get("/api/v1/me", headers={"x-request-id": "chosen"}) for _ in range(2))
    ids = {first.headers["x-request-id"], second.headers["x-request-id"]}
    assert len(ids) == 2 and "chosen" not in ids

"""Input that would be a command elsewhere: SQL, headers, log lines, templates, formulas."""

import csv
import io
import re
import time
import uuid

import pytest

from api import Person, raw, resolve, sample, status

SQL = [
    "'",
    "' OR '1'='1",
    "1); DROP TABLE users; --",
    "' UNION SELECT password_hash FROM users --",
    "'||(SELECT pg_sleep(4))||'",
    "1; SELECT pg_sleep(4)--",
    "\\'; SELECT pg_sleep(4)--",
    "$$;SELECT pg_sleep(4);$$",
    "%' AND 1=(SELECT 1/0)--",
    "\u02bc OR 1=1 --",
    "\x00' OR 1=1",
    "{\"$gt\":\"\"}",
]
TOLD = re.compile(r"(?i)syntax error|sqlx|unterminated|\$argon2|division by zero|invalid byte sequence|does not exist")


def fine(answer, begun, what):
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text}"
    assert not TOLD.search(answer.text), f"{what}: {answer.text[:300]}"
    assert time.monotonic() - begun < 3, f"{what} slept"


@pytest.mark.parametrize("payload", SQL)
def test_sql_in_the_address_stays_text(admin, every_operation, payload):
    for operation in every_operation:
        if operation.method != "get" or operation.path.endswith("/stream"):
            continue
        path = re.sub(r"\{\w+\}", lambda _: str(uuid.UUID(int=7)), operation.path)
        for name in operation.parameters("query"):
            begun = time.monotonic()
            fine(admin.get(path, params={name: payload}), begun, f"{operation.name}?{name}")
        for name in operation.parameters("path"):
            begun = time.monotonic()
            wrong = re.sub(r"\{\w+\}", lambda _: "\0", operation.path).replace("\0", httpx_quote(payload))
            fine(admin.get(wrong), begun, f"{operation.name} {name}")


def httpx_quote(text):
    from urllib.parse import quote

    return quote(text, safe="")


@pytest.mark.parametrize("payload", SQL[:8])
def test_sql_in_a_body_stays_text(admin, nobody, document, every_operation, payload):
    for operation in every_operation:
        content = operation.what.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        # Random requests go there too, at the end: these would be guesses at passwords, or an end of the demo.
        if schema is None or operation.path.startswith(("/api/v1/auth/", "/api/v1/me/second-step", "/api/v1/setup")):
            continue
        path = re.sub(r"\{\w+\}", lambda _: str(uuid.UUID(int=7)), operation.path)
        whole = sample(document, schema)
        for name, one in operation.body(document).items():
            if resolve(document, one).get("type") in ("integer", "boolean", "number"):
                continue
            begun = time.monotonic()
            fine(admin.send(operation.method, path, json=whole | {name: payload}), begun, f"{operation.name} {name}")


def test_sql_signs_nobody_in(stack):
    for payload in SQL[:5]:
        for email, password in ((f"admin@demo.test{payload}", "x"), (payload, payload), ("admin@demo.test", payload)):
            answer = Person(stack.base, address="127.0.0.7").sign_in(email, password)
            assert answer.status_code in (400, 401, 422, 429), answer.text


def test_a_search_finds_what_was_asked_for_and_no_more(admin, recording):
    everything = admin.get("/api/v1/calls").json()["items"]
    assert everything
    for wide in ("%", "_", "' OR 1=1", "\\"):
        found = admin.get("/api/v1/calls", params={"q": wide})
        assert found.status_code == 400 or not [one for one in found.json()["items"] if wide not in one["from"] + one["to"]] or len(
            found.json()["items"]
        ) <= len(everything)
    none = admin.get("/api/v1/audit", params={"q": "%_%no such thing%"})
    assert none.json()["items"] == []


@pytest.mark.parametrize("text", ["{{7*7}}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "<script>alert(1)</script>", "{% debug %}", "%s%n%x", "‮txt.exe", "&lt;b&gt;"])
def test_a_name_comes_back_as_it_was_given(colleague, text):
    answer = colleague.send("PATCH", "/api/v1/me", json={"name": f"Name {text}"})
    assert answer.status_code == 200, answer.text
    assert colleague.get("/api/v1/me").json()["user"]["name"] == f"Name {text}"
    assert "49" not in answer.json()["user"]["name"]


def test_a_formula_is_no_formula_in_an_export(colleague, admin):
    for formula in ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1+1)", "\t=1+1", "\r=1+1"):
        assert colleague.send("PATCH", "/api/v1/me", json={"name": formula}).status_code in (200, 422)
    exported = admin.get("/api/v1/audit/export", params={"format": "csv"})
    assert exported.status_code == 200
    for row in csv.reader(io.StringIO(exported.text)):
        for cell in row:
            assert not re.match(r"[=+@\t\r]|-[^\d]", cell), cell
    colleague.send("PATCH", "/api/v1/me", json={"name": "A colleague"})


def test_a_value_makes_no_header(stack, operator, recording):
    broken = "x%0d%0aSet-Cookie:%20planted=1%0d%0a%0d%0a<script>"
    for path in (
        f"/{broken}",
        f"/api/v1/recordings/{broken}",
        f"/api/v1/recordings/{recording}/audio?download=true&key={broken}",
        f"/api/v1/calls?cursor={broken}",
        f"/api/v1/events?epoch={broken}",
        f"/assets/{broken}.js",
    ):
        answer = raw(stack.port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {operator.token}\r\nConnection: close\r\n\r\n")
        assert 0 < status(answer) < 500, answer[:200]
        assert "planted=1" not in answer.split("\r\n\r\n")[0], path


def test_what_a_caller_is_called_makes_no_header_of_a_file(stack, admin, operator, keep_recording):
    # Numbers come from outside; a file is named after one.
    recording = keep_recording()
    stack.psql(
        f"""UPDATE calls SET from_number = E'"; filename=evil.html\\r\\nSet-Cookie: planted=1\\r\\n/../../x\\u202egpj'
            WHERE id = (SELECT call_id FROM recordings WHERE id = '{recording}')"""
    )
    answer = admin.get(f"/api/v1/recordings/{recording}/audio", params={"download": "true"})
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    name = answer.headers["content-disposition"]
    assert name.startswith("attachment; filename=")
    assert not re.search(r"[/\\\r\n]|\.\.|evil\.html\"?$", name), name
    assert name.count('"') <= 2, name


def test_what_is_sent_makes_no_line_of_the_log(stack):
    planted = f"ERROR planted-{uuid.uuid4().hex}"
    stranger = Person(stack.base, address="127.0.0.8")
    for broken in (f"x\n2026-01-01T00:00:00Z  {planted}", f"x\r\n{planted}", f"\x1b[2J\x1b[1;31m{planted}", f"\u2028{planted}"):
        stranger.sign_in(broken, broken)
        stranger.sign_in("nobody@demo.test", "x", headers={"user-agent": broken.encode("unicode_escape").decode()})
        stranger.get(f"/{httpx_quote(broken)}")
        stranger.get("/api/v1/calls", params={"q": broken})
        stranger.client.request("GET", "/api/v1/me", headers={"authorization": f"Bearer {httpx_quote(broken)}"})
    for line in stack.log.splitlines():
        if planted in line:
            assert re.match(r"(\x1b\[\d+m)*\d{4}-\d\d-\d\dT", line), f"a line of its own: {line!r}"
            assert not re.search(r"\x1b\[2J|^\d{4}\S+\s+ERROR planted", line), repr(line)


def test_a_body_is_json_and_nothing_else(admin):
    for kind, body in (
        ("application/xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
        ("text/xml", "<x/>"),
        ("application/x-yaml", "!!python/object/apply:os.system ['id']"),
        ("text/html", "<p>"),
        ("", "{}"),
    ):
        answer = admin.send("PATCH", "/api/v1/me", content=body, headers={"content-type": kind})
        assert answer.status_code == 415, kind


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("deep", b"[" * 100_000),
        ("deep and closed", b"[" * 50_000 + b"]" * 50_000),
        ("a key twice", b'{"name":"a","name":"b"}'),
        ("a huge number", b'{"name":1e999999}'),
        ("half a surrogate", b'{"name":"\\ud800"}'),
        ("a nul", b'{"name":"a\\u0000b"}'),
        ("not UTF-8", b'{"name":"\xff\xfe"}'),
        ("a prototype", b'{"name":"x","__proto__":{"role":"admin"},"constructor":{"prototype":{}}}'),
        ("more than it may say", b'{"name":"x","role":"admin","tenant_id":"0","permissions":["*"],"must_change_password":false}'),
    ],
)
def test_odd_json_is_refused_or_read_as_what_it_is(colleague, what, body):
    before = colleague.get("/api/v1/me").json()
    answer = colleague.send("PATCH", "/api/v1/me", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 413, 422), f"{what}: {answer.status_code} {answer.text}"
    after = colleague.get("/api/v1/me").json()
    assert after["permissions"] == before["permissions"] and after["user"]["role"] == before["user"]["role"], what

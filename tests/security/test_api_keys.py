"""API keys: what they may do, from where, how often, and when no more."""

import time

import pytest

from api import Person

KEYS = "/api/v1/api-keys"


@pytest.fixture(scope="module", autouse=True)
def there(document):
    if KEYS not in document["paths"]:
        pytest.skip("this version has no API keys")


@pytest.fixture
def make(stack, admin):
    made = []

    def make(permissions=("queues:read",), **more):
        answer = admin.post(KEYS, json={"name": "A test", "permissions": list(permissions)} | more)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
        return answer.json()["api_key"], Person(stack.base, token=answer.json()["token"])

    yield make
    for one in made:
        admin.send("DELETE", f"{KEYS}/{one['api_key']['id']}")


def test_a_key_does_what_it_was_made_for_and_no_more(make):
    _, program = make()
    assert program.get("/api/v1/queues").status_code == 200
    for method, path in (("GET", "/api/v1/audit"), ("GET", KEYS), ("POST", KEYS), ("GET", "/api/v1/calls"), ("POST", "/api/v1/setup")):
        answer = program.send(method, path, **({"json": {"name": "More", "permissions": ["audit:read"]}} if method == "POST" else {}))
        assert answer.status_code in (403, 422), f"{method} {path}: {answer.status_code}"
    answer = program.post("/api/v1/auth/password", json={"current": "trunkline-demo", "new": "correct horse battery 7"})
    assert answer.status_code == 403, "a program has no password"


def test_nobody_gives_a_key_more_than_they_have(manager, operator):
    for person in (manager, operator):
        assert person.post(KEYS, json={"name": "More", "permissions": ["setup:run", "audit:read"]}).status_code in (403, 422)
    assert operator.get(KEYS).status_code == 403


def test_its_secret_is_shown_once(make, admin, stack):
    key, program = make()
    secret = program.token.rsplit("_", 1)[1]
    for answer in (admin.get(KEYS), admin.get(f"{KEYS}/{key['id']}"), admin.get("/api/v1/audit"), admin.get("/api/v1/events")):
        assert secret not in answer.text
    assert secret not in stack.log
    assert stack.psql(f"SELECT count(*) FROM api_keys WHERE api_keys::text LIKE '%{secret}%'").strip() == "0"


def test_it_is_used_from_where_it_is_allowed_to(make, stack):
    _, program = make(allowed_addresses=["127.0.0.40/32"])
    answer = program.get("/api/v1/queues")
    assert answer.status_code in (401, 403)
    for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
        assert program.get("/api/v1/queues", headers={header: "127.0.0.40"}).status_code in (401, 403), header
    assert Person(stack.base, token=program.token, address="127.0.0.40").get("/api/v1/queues").status_code == 200


def test_it_ends(make, admin):
    key, program = make()
    assert program.get("/api/v1/queues").status_code == 200
    assert admin.send("DELETE", f"{KEYS}/{key['id']}").status_code == 204
    assert program.get("/api/v1/queues").status_code == 401
    past = {"name": "Past", "permissions": ["queues:read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert admin.post(KEYS, json=past).status_code == 422


def test_another_secret_ends_the_old_one(make, admin, stack):
    key, program = make()
    rotated = admin.post(f"{KEYS}/{key['id']}/rotate", json={"overlap_seconds": 0})
    assert rotated.status_code == 200, rotated.text
    assert program.get("/api/v1/queues").status_code == 401
    assert Person(stack.base, token=rotated.json()["token"]).get("/api/v1/queues").status_code == 200


def test_it_has_a_limit_and_says_so(make):
    _, program = make(requests_per_second=1)
    answers = [program.get("/api/v1/queues") for _ in range(6)]
    assert answers[0].status_code == 200 and "ratelimit" in answers[0].headers and "ratelimit-policy" in answers[0].headers
    refused = [one for one in answers if one.status_code == 429]
    assert refused and int(refused[0].headers["retry-after"]) >= 1
    time.sleep(1.1)
    assert program.get("/api/v1/queues").status_code == 200

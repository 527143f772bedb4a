"""Who gets at what: nobody without signing in, no other tenant, no colleague without the right to."""

import re
import uuid

import pytest

from api import sample

# Not tried with real ids, since they would end what the other tests use.
KEPT = {"DELETE /api/v1/setup/demo", "POST /api/v1/auth/logout"}


def filled(operation, things):
    """The operation's path with real things of the demo tenant; what nothing is known of gets an id that is nobody's."""
    before = operation.path.split("{")[0].rstrip("/").rsplit("/", 1)[-1]

    def thing(match):
        name = match[1]
        return things.get((before, name)) or things.get(name) or str(uuid.UUID(int=7))

    return re.sub(r"\{(\w+)\}", thing, operation.path)


@pytest.fixture(scope="module")
def things(admin, operator, call, recording, device, every_operation):
    """Ids of the demo tenant: what its lists show, and what was made for these tests."""
    found = {("agents", "id"): operator.id, "device_id": device, ("calls", "id"): call, ("recordings", "id"): recording}
    for operation in every_operation:
        if operation.method != "get" or "{" in operation.path:
            continue
        answer = admin.get(operation.path) if not operation.path.endswith(("/stream", "/events")) else None
        if answer is None or answer.status_code != 200 or "json" not in answer.headers["content-type"]:
            continue
        listed = answer.json()
        items = listed.get("items") if isinstance(listed, dict) else None
        first = next((one for one in items or [] if isinstance(one, dict) and "id" in one), None)
        if first:
            found.setdefault((operation.path.rsplit("/", 1)[-1], "id"), first["id"])
            found.setdefault("user_id", operator.id)
    return found


def body(document, operation):
    schema = operation.what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {} if schema is None else {"json": sample(document, schema)}


def test_nobody_gets_in_without_signing_in(nobody, document, every_operation, things):
    for operation in every_operation:
        if operation.is_public:
            continue
        answer = nobody.send(operation.method, filled(operation, things), **body(document, operation))
        if answer.status_code == 426:
            # Speaks WebSocket alone: `test_sockets.py` tries to open it.
            continue
        assert answer.status_code == 401, f"{operation.name}: {answer.status_code} {answer.text}"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_is_public_is_known(every_operation):
    # Whoever adds one adds it here, and so says that it is meant.
    known = r"/api/v1/(setup|auth/(login|logout|refresh|methods|password/(strength|forgot|reset)|email/verify|invitations/(look|accept)|oidc/(start|callback)))$"
    for operation in every_operation:
        if operation.is_public:
            assert re.match(known, operation.path), f"{operation.name} is open to all"
        assert operation.permission, f"{operation.name} names no permission"


def test_another_tenants_things_are_not_there(stranger, document, every_operation, things):
    tried = 0
    for operation in every_operation:
        if "{" not in operation.path or operation.is_public or operation.name in KEPT:
            continue
        path = filled(operation, things)
        tried += str(uuid.UUID(int=7)) not in path
        answer = stranger.send(operation.method, path, **body(document, operation))
        # Whatever is said of it is said of an id that is nobody's, too.
        absent = stranger.send(operation.method, re.sub(r"\{\w+\}", lambda _: str(uuid.uuid4()), operation.path), **body(document, operation))
        assert 400 <= answer.status_code < 500 and answer.status_code != 401, f"{operation.name}: {answer.status_code} {answer.text}"
        assert answer.status_code == absent.status_code, f"{operation.name} tells what is there: {answer.status_code}, {absent.status_code}"
        same = [re.sub(r"[0-9a-f-]{36}", "", one.text) for one in (answer, absent)]
        assert same[0] == same[1], f"{operation.name}: {same}"
    assert tried >= 8, "too few things to tell anything"


def test_another_tenants_things_are_in_no_list(stranger, admin, every_operation, things):
    secret = {value for value in things.values()} | {admin.id, admin.signed_in["tenant"]["id"]}
    for operation in every_operation:
        if operation.method != "get" or "{" in operation.path or operation.path.endswith("/stream"):
            continue
        answer = stranger.get(operation.path)
        for value in secret:
            assert value not in answer.text, f"{operation.name} shows {value}"


def test_a_filter_does_not_widen_what_is_seen(stranger, operator, things, admin):
    tenant = admin.signed_in["tenant"]["id"]
    for name in ("tenant", "tenant_id", "tid", "org", "agent_id", "queue_id", "actor", "subject"):
        for path in ("/api/v1/calls", "/api/v1/agents", "/api/v1/queues", "/api/v1/audit", "/api/v1/events"):
            answer = stranger.get(path, params={name: tenant if "t" == name[0] else things.get(("queues", "id"), tenant)})
            assert answer.status_code in (200, 400), f"{path}?{name}"
            assert admin.id not in answer.text and operator.id not in answer.text
    for header in ("x-tenant", "x-tenant-id", "x-trunkline-tenant"):
        assert stranger.get("/api/v1/agents", headers={header: tenant}).json()["items"] == stranger.get("/api/v1/agents").json()["items"]


def test_a_cursor_of_another_tenant_opens_nothing(stranger, admin):
    cursor = admin.get("/api/v1/agents", params={"limit": 1}).json()["next_cursor"]
    assert cursor
    answer = stranger.get("/api/v1/agents", params={"cursor": cursor})
    assert answer.status_code in (200, 400)
    assert admin.id not in answer.text and "demo.test" not in answer.text


def test_a_colleagues_things_are_out_of_reach(colleague, operator, device):
    phones = f"/api/v1/agents/{operator.id}/devices"
    for method, path, body in (
        ("GET", phones, None),
        ("POST", phones, {"name": "A phone in your name"}),
        ("DELETE", f"{phones}/{device}", None),
        ("DELETE", f"/api/v1/agents/{colleague.id}/devices/{device}", None),
    ):
        answer = colleague.send(method, path, **({"json": body} if body else {}))
        assert answer.status_code in (403, 404), f"{method} {path}: {answer.status_code}"
    assert device in [one["id"] for one in operator.get(phones).json()["items"]]


def test_an_operator_cannot_do_what_admins_do(operator, document, every_operation, things):
    mine = set(operator.get("/api/v1/me").json()["permissions"])
    everybodys = {"public", "signed-in", "person"}
    refused = 0
    for operation in every_operation:
        if operation.permission in everybodys | mine or operation.name in KEPT:
            continue
        answer = operator.send(operation.method, filled(operation, things), **body(document, operation))
        # Some look at the request first.
        assert answer.status_code in (400, 403, 404, 422), f"{operation.name}: {answer.status_code} {answer.text}"
        refused += answer.status_code == 403
    assert refused >= 2


def test_rights_are_not_asked_for_politely(operator):
    for path, change in (
        ("/api/v1/me", {"name": "x", "role": "admin"}),
        ("/api/v1/me", {"name": "x", "permissions": ["audit:read"]}),
        ("/api/v1/me", {"name": "x", "tenant_id": str(uuid.uuid4())}),
    ):
        operator.send("PATCH", path, json=change)
    assert operator.get("/api/v1/audit").status_code == 403
    for header in ({"x-role": "admin"}, {"x-permission": "audit:read"}, {"x-admin": "true"}, {"cookie": "role=admin"}):
        assert operator.get("/api/v1/audit", headers=header).status_code == 403


def test_a_path_that_looks_alike_is_no_way_around(operator, nobody):
    for path in ("/api/v1/audit/", "/api/v1//audit", "/api/v1/AUDIT", "/api/v1/./audit", "/api/v1/audit;x", "/api/v1/audit%2f", "/API/v1/audit", "/api/v1/audit.json", "/api/v1/x/../audit", "/api/v1/%61udit"):
        for person, never in ((operator, 200), (nobody, 200)):
            answer = person.send("GET", path)
            assert answer.status_code != never or "items" not in answer.text, path


def test_an_idempotency_key_gives_nobody_elses_answer(operator, colleague):
    key = {"idempotency-key": f"same-{uuid.uuid4()}"}
    first = operator.post(f"/api/v1/agents/{operator.id}/devices", json={"name": "Twice"}, headers=key)
    assert first.status_code == 201
    other = colleague.post(f"/api/v1/agents/{operator.id}/devices", json={"name": "Twice"}, headers=key)
    assert other.status_code in (403, 404)
    assert first.json()["password"] not in other.text

"""What the tests share: one stack, people in two tenants, and things that belong to one of them."""

import json
import time
import uuid

import pytest

from api import Person, operations
from stack import PASSWORD, ROOT, Stack


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None, help="makes the random requests the same again")
    parser.addoption("--seconds", type=int, default=25, help="how long random requests are sent")


def pytest_collection_modifyitems(items):
    # Random requests change whatever they can: last.
    items.sort(key=lambda item: item.module.__name__ == "test_random_requests")


@pytest.fixture(scope="session")
def stack():
    running = Stack()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def document(stack):
    """The OpenAPI document of the program that runs, which is the one that is in the tree."""
    with_program = Person(stack.base).get("/dev/openapi.json").json()
    assert with_program == json.loads((ROOT / "gateway" / "openapi.json").read_text()), "gateway/openapi.json is stale"
    return with_program


@pytest.fixture(scope="session")
def every_operation(document):
    return operations(document)


# Signed in anew for each file: some tests end sign-ins.
@pytest.fixture(scope="module")
def nobody(stack):
    return Person(stack.base)


@pytest.fixture(scope="module")
def admin(stack):
    return Person(stack.base, "admin@demo.test")


@pytest.fixture(scope="module")
def manager(stack):
    return Person(stack.base, "manager@demo.test")


@pytest.fixture(scope="module")
def operator(stack):
    return Person(stack.base, "operator@demo.test")


@pytest.fixture(scope="module")
def colleague(stack):
    """Another operator of the same tenant."""
    return Person(stack.base, "operator2@demo.test")


@pytest.fixture(scope="session")
def other_tenant(stack):
    """The e-mail address of another tenant's admin."""
    words = ["user", "add", "admin@strangers.test", "--name", "A stranger", "--tenant", "strangers"]
    stack.trunkline(*words, "--new-tenant", "Strangers", "--role", "admin", typed=PASSWORD)
    return "admin@strangers.test"


@pytest.fixture(scope="module")
def stranger(stack, other_tenant):
    """The admin of another tenant."""
    return Person(stack.base, other_tenant)


@pytest.fixture(scope="module")
def keep_recording(stack, operator):
    """Puts a recording of the operator's into the database and returns its id: as a call leaves it, but with any path."""

    def keep(path=None, content=b"RIFF....WAVE"):
        call, recording = uuid.uuid4(), uuid.uuid4()
        path = path or f"{recording}.wav"
        stack.psql(
            f"""INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, agent_id, started_at, ended_at)
                SELECT tenant_id, '{call}', 'inbound', '+15551234567', '+15550100', 'ended', id, now(), now()
                FROM agents WHERE id = '{operator.id}';
                INSERT INTO recordings (tenant_id, id, call_id, state, path, started_at, ended_at, duration_ms, bytes)
                SELECT tenant_id, '{recording}', '{call}', 'ready', '{path}', now(), now(), 1000, {len(content)}
                FROM agents WHERE id = '{operator.id}'"""
        )
        if "/" not in path:
            (stack.dir / "recordings" / path).write_bytes(content)
        return str(recording)

    return keep


@pytest.fixture(scope="module")
def recording(keep_recording):
    return keep_recording()


@pytest.fixture(scope="module")
def call(admin):
    """A call of the demo: a simulated customer who waits in a queue."""
    queue = admin.get("/api/v1/queues").json()["items"][0]["id"]
    assert admin.post("/api/v1/test-calls", json={"queue_id": queue}).status_code == 202
    deadline = time.monotonic() + 15
    while not (items := admin.get("/api/v1/calls").json()["items"]):
        assert time.monotonic() < deadline, "the test call did not come in"
        time.sleep(0.05)
    return items[0]["id"]


@pytest.fixture(scope="module")
def device(operator):
    """A desk phone of the operator."""
    made = operator.post(f"/api/v1/agents/{operator.id}/devices", json={"name": "Desk"})
    assert made.status_code == 201, made.text
    return made.json()["id"]

"""What is around signing in: links that work once, second steps, other sign-ins, identity providers of tenants."""

import uuid

import pytest

from api import Person
from stack import PASSWORD


@pytest.fixture
def only_with(document):
    """Skips what this version does not have."""

    def only_with(*paths):
        for path in paths:
            if f"/api/v1{path}" not in document["paths"]:
                pytest.skip(f"this version has no {path}")

    return only_with


@pytest.mark.parametrize("path", ["/auth/password/reset", "/auth/email/verify", "/auth/invitations/look", "/auth/invitations/accept"])
def test_a_links_token_is_not_found_by_trying(only_with, stack, path):
    only_with(path)
    stranger = Person(stack.base, address="127.0.0.41")
    for token in ("", "a", "a" * 43, "a" * 5000, str(uuid.uuid4()), "../x", "' OR ''='"):
        answer = stranger.post(f"/api/v1{path}", json={"token": token, "new": "some words that nobody guesses", "password": "some words that nobody guesses", "name": "X"})
        assert 400 <= answer.status_code < 500, f"{token[:20]!r}: {answer.status_code}"
        assert "set-cookie" not in answer.headers


def test_a_forgotten_password_tells_nobody_who_is_there(only_with, stack):
    only_with("/auth/password/forgot")
    answers = [
        Person(stack.base, address=f"127.0.0.{number}").post("/api/v1/auth/password/forgot", json={"email": email})
        for number, email in ((42, "operator@demo.test"), (43, "nobody@demo.test"))
    ]
    assert answers[0].status_code == answers[1].status_code < 500
    assert answers[0].text == answers[1].text


def test_a_second_step_takes_the_password_first(only_with, operator):
    only_with("/me/second-step")
    for path in ("/me/second-step", "/me/second-step/off", "/me/second-step/recovery-codes"):
        answer = operator.post(f"/api/v1{path}", json={"password": "wrong"})
        assert 400 <= answer.status_code < 500, path
        assert "secret" not in answer.text and "codes" not in answer.text, path


def test_one_sees_and_ends_ones_own_sign_ins_alone(only_with, stack, operator, colleague):
    only_with("/me/sessions", "/me/sessions/{id}")
    second = Person(stack.base, "operator@demo.test", address="127.0.0.44")
    listed = operator.get("/api/v1/me/sessions").json()
    ids = [one["id"] for one in (listed["items"] if isinstance(listed, dict) else listed)]
    assert len(ids) >= 2
    for one in ids:
        assert colleague.send("DELETE", f"/api/v1/me/sessions/{one}", json={"password": PASSWORD}).status_code == 404
    assert second.get("/api/v1/me").status_code == 200
    assert operator.get("/api/v1/me").status_code == 200


def test_coming_back_from_nowhere_begins_no_sign_in(only_with, nobody):
    only_with("/auth/oidc/callback")
    for query in ({}, {"code": "x"}, {"code": "x", "state": "y"}, {"error": "x", "error_description": "<script>"}, {"code": "x", "state": "", "iss": "https://evil.test"}):
        answer = nobody.get("/api/v1/auth/oidc/callback", params=query)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?problem="), query
        assert not any("refresh=" in one for one in answer.headers.get_list("set-cookie")), query


@pytest.mark.parametrize("away", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/\t/evil.test", "%2f%2fevil.test"])
def test_after_signing_in_elsewhere_one_stays_here(only_with, nobody, away):
    only_with("/auth/oidc/start")
    answer = nobody.get("/api/v1/auth/oidc/start", params={"tenant": "demo", "next": away})
    assert answer.status_code in (303, 400)
    assert "evil.test" not in answer.headers.get("location", "") and "javascript" not in answer.headers.get("location", "")

"""The refresh cookie: how it is set, who may send it, and how often."""

import re
import uuid

import pytest

from api import Person
from stack import FRIEND, PASSWORD, PUBLIC_HOST

NAME = "__Host-trunkline_refresh"
REFRESH = "/api/v1/auth/refresh"


@pytest.fixture
def signed_in(stack):
    person = Person(stack.base)
    answer = person.sign_in("operator@demo.test", PASSWORD)
    person.client.cookies.clear()
    return answer


def flags(cookie):
    name, *rest = (part.strip() for part in cookie.split(";"))
    return name, {part.split("=")[0].lower(): part.partition("=")[2] for part in rest}


def cookie(answer):
    """The line that sets the refresh cookie."""
    return next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{NAME}="))


def token(answer):
    return cookie(answer).split("=", 1)[1].split(";")[0]


def refresh(stack, sent, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Person(stack.base).post(REFRESH, headers={"cookie": sent} | headers)


def test_the_cookie_is_out_of_reach(signed_in):
    for line in signed_in.headers.get_list("set-cookie"):
        name, set_to = flags(line)
        assert name.startswith("__Host-"), "no other name beneath the domain can plant it"
        assert len(line) < 4096
        assert {"secure", "httponly"} <= set_to.keys()
        assert set_to["samesite"] in ("Strict", "Lax") and set_to["path"] == "/"
        assert "domain" not in set_to
    _, set_to = flags(cookie(signed_in))
    assert set_to["samesite"] == "Strict"
    assert 0 < int(set_to["max-age"]) <= 30 * 24 * 3600


def test_its_value_is_in_no_body(signed_in, stack):
    assert token(signed_in) not in signed_in.text
    assert token(signed_in) not in stack.log


def test_a_refreshed_cookie_has_the_same_flags(signed_in, stack):
    again = refresh(stack, f"{NAME}={token(signed_in)}")
    assert again.status_code == 200
    assert token(again) != token(signed_in)
    assert flags(cookie(again))[1] == flags(cookie(signed_in))[1]


def test_signing_out_takes_it_away(signed_in, stack):
    sent = f"{NAME}={token(signed_in)}"
    out = Person(stack.base).post("/api/v1/auth/logout", headers={"cookie": sent})
    assert out.status_code == 204
    _, set_to = flags(cookie(out))
    assert set_to["max-age"] == "0" and {"secure", "httponly"} <= set_to.keys()
    assert refresh(stack, sent).status_code == 401


def test_only_the_name_that_nobody_can_plant_is_read(signed_in, stack):
    value = token(signed_in)
    for planted in (f"trunkline_refresh={value}", f"__Secure-trunkline_refresh={value}", f"__host-trunkline_refresh={value}"):
        assert refresh(stack, planted).status_code == 401, planted.split("=")[0]


def test_a_cookie_that_is_used_twice_ends_its_sign_in(signed_in, stack):
    first = f"{NAME}={token(signed_in)}"
    second = refresh(stack, first)
    assert second.status_code == 200
    assert refresh(stack, first).status_code == 401, "a copy"
    assert refresh(stack, f"{NAME}={token(second)}").status_code == 401, "and with it the one that came of it"
    access = second.json()["access_token"]
    assert Person(stack.base, token=access).get("/api/v1/agents").status_code == 401


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://evil.test", "cross-site"),
        ("https://evil.test", None),
        ("null", None),
        (f"https://{PUBLIC_HOST}.evil.test", None),
        (f"https://other.{PUBLIC_HOST}", "same-site"),
        (f"http://{PUBLIC_HOST}", None),
        (f"https://{PUBLIC_HOST}", "cross-site"),
    ],
)
def test_another_sites_page_cannot_use_it(signed_in, stack, origin, site):
    headers = {"origin": origin} | ({"sec_fetch_site": site} if site else {})
    sent = f"{NAME}={token(signed_in)}"
    assert refresh(stack, sent, **headers).status_code == 403
    out = Person(stack.base).post("/api/v1/auth/logout", headers={"cookie": sent, "origin": origin} | ({"sec-fetch-site": site} if site else {}))
    assert out.status_code == 403, "nor sign people out"
    assert refresh(stack, sent).status_code == 200, "and it is as good as before"


@pytest.mark.parametrize("origin", [f"https://{PUBLIC_HOST}", FRIEND])
def test_our_own_page_and_a_named_origin_can(signed_in, stack, origin):
    assert refresh(stack, f"{NAME}={token(signed_in)}", origin=origin).status_code == 200


def test_a_form_of_another_site_changes_nothing(admin, stack):
    # What a browser sends without asking beforehand: no JSON, no header of ours.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = Person(stack.base).client.post(
            "/api/v1/auth/login",
            content='{"email":"admin@demo.test","password":"trunkline-demo"}',
            headers={"content-type": kind},
        )
        assert answer.status_code == 415, kind
        assert "set-cookie" not in answer.headers


def test_reading_changes_nothing(admin, every_operation):
    # A link or an image of another site can do no more than GET.
    def entries():
        return {one["seq"]: one["action"] for one in admin.get("/api/v1/audit", params={"limit": 200}).json()["items"]}

    before = entries()
    for operation in every_operation:
        if operation.method != "get" or operation.path.endswith("/stream"):
            continue
        assert not operation.media_types, f"{operation.name} takes a body"
        admin.get(re.sub(r"\{\w+\}", lambda _: str(uuid.UUID(int=7)), operation.path))
    told = {action for seq, action in entries().items() if seq not in before}
    # Who reads what is sensitive leaves a trace, and nothing else happens.
    assert told <= {"audit.exported", "recording.heard", "recording.downloaded"}, told

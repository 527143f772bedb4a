"""Access tokens: who can make one, and what is looked at before one is believed."""

import hashlib
import hmac
import time
import uuid

import pytest

from api import Person, decode, encode


@pytest.fixture(scope="module")
def key(stack):
    """The key that signs access tokens, derived as `gateway/src/auth/keys.rs` does it."""
    secret = bytes.fromhex(stack.secret("secret-key"))
    return hmac.digest(secret, b"trunkline/1/access-token", "sha256")


@pytest.fixture(scope="module")
def genuine(admin):
    head, claims, _ = admin.token.split(".")
    return decode(head), decode(claims)


def make(head, claims, key, digest="sha256"):
    signed = f"{encode(head)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.digest(key, signed.encode(), digest))}"


def answer(stack, token):
    return Person(stack.base, token=token).get("/api/v1/me")


def test_a_token_signed_with_the_key_is_believed(stack, genuine, key):
    # Else all that follows would prove nothing.
    assert answer(stack, make(*genuine, key)).status_code == 200


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, 0])
def test_an_unsigned_token_is_refused(stack, genuine, name):
    head, claims = genuine
    unsigned = f"{encode(head | {'alg': name})}.{encode(claims)}."
    assert answer(stack, unsigned).status_code == 401
    assert answer(stack, unsigned.rstrip(".")).status_code == 401
    assert answer(stack, unsigned + encode(b"\x00")).status_code == 401


@pytest.mark.parametrize(
    ("name", "digest"),
    [("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256"), ("PS256", "sha256"), ("ES256", "sha256"), ("EdDSA", "sha256")],
)
def test_another_algorithm_is_refused_even_with_the_key(stack, genuine, key, name, digest):
    head, claims = genuine
    assert answer(stack, make(head | {"alg": name}, claims, key, digest)).status_code == 401


def test_a_key_that_everybody_has_signs_nothing(stack, genuine):
    document = Person(stack.base).get("/dev/openapi.json").content
    for public in (b"", b"\x00", b"\x00" * 32, b"secret", b"trunkline", b"trunkline/1/access-token", document, hashlib.sha256(b"").digest()):
        assert answer(stack, make(*genuine, public)).status_code == 401, public[:30]


@pytest.mark.parametrize(
    "more",
    [
        {"kid": "../../../../../../dev/null"},
        {"kid": "/dev/null"},
        {"kid": "' UNION SELECT ''--"},
        {"kid": "a|sleep 5"},
        {"kid": "http://127.0.0.1:9/keys"},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://169.254.169.254/keys"},
        {"jwk": {"kty": "oct", "k": ""}},
        {"x5c": ["MAA="]},
    ],
)
def test_the_token_cannot_say_which_key_it_is_signed_with(stack, genuine, more):
    head, claims = genuine
    begun = time.monotonic()
    for key in (b"", b"\x00", b"secret"):
        assert answer(stack, make(head | more, claims, key)).status_code == 401
    assert time.monotonic() - begun < 3, "something was fetched or slept"


def test_an_unknown_critical_header_is_not_passed_over(stack, genuine, key):
    # RFC 7515 §4.1.11. The key is ours alone, so nobody can send it; a token that asks for more than we know is refused nevertheless, or
    # else means nothing more than without.
    head, claims = genuine
    assert answer(stack, make(head | {"crit": ["exp2"], "exp2": 1}, claims, key)).status_code in (200, 401)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("ended", {"exp": 1}),
        ("ended a moment ago", {"exp": int(time.time()) - 1}),
        ("no end", {"exp": None}),
        ("an end that is no time", {"exp": "never"}),
        ("an end beyond all time", {"exp": 2**63}),
        ("another issuer", {"iss": "https://accounts.evil.test"}),
        ("no issuer", {"iss": None}),
        ("nobody", {"sub": None}),
        ("no tenant", {"tid": None}),
        ("no person at all", {"sub": "1 OR 1=1"}),
        ("no sign-in", {"sid": None}),
    ],
)
def test_a_signed_token_that_does_not_fit_is_refused(stack, genuine, key, what, change):
    head, claims = genuine
    changed = {name: value for name, value in (claims | change).items() if value is not None}
    assert answer(stack, make(head, changed, key)).status_code == 401, what


def test_a_token_for_another_audience_is_refused(stack, genuine, key):
    head, claims = genuine
    for other in ("https://other.test", ["https://other.test"], ["trunkline", "https://other.test"]):
        assert answer(stack, make(head, claims | {"aud": other}, key)).status_code == 401, other


def test_each_purpose_has_a_key_of_its_own(stack, genuine):
    # So nothing else that the gateway signs or seals could pass for an access token.
    secret = bytes.fromhex(stack.secret("secret-key"))
    for purpose in (b"trunkline/1/opaque-token", b"trunkline/1/seal", b""):
        assert answer(stack, make(*genuine, hmac.digest(secret, purpose, "sha256"))).status_code == 401, purpose
    assert answer(stack, make(*genuine, secret)).status_code == 401


def test_a_changed_claim_breaks_the_signature(operator, stack):
    head, claims, signature = operator.token.split(".")
    for change in ({"role": "admin"}, {"tid": str(uuid.uuid4())}, {"exp": int(time.time()) + 10**6}, {"pwd": False}):
        assert answer(stack, f"{head}.{encode(decode(claims) | change)}.{signature}").status_code == 401, change


def test_a_token_of_somebody_who_is_no_member_is_good_for_nothing(stack, genuine, key, stranger):
    # Whoever could sign would still find row-level security between them and another tenant's people.
    head, claims = genuine
    assert answer(stack, make(head, claims | {"sub": stranger.id}, key)).status_code == 401
    assert answer(stack, make(head, claims | {"sub": str(uuid.uuid4())}, key)).status_code == 401


def test_a_token_is_taken_from_one_place_only(stack, admin):
    nobody = Person(stack.base)
    assert nobody.get("/api/v1/me", params={"access_token": admin.token}).status_code == 401
    assert nobody.get("/api/v1/me", headers={"cookie": f"access_token={admin.token}; trunkline_refresh={admin.token}"}).status_code == 401
    assert nobody.get("/api/v1/me", headers={"x-forwarded-user": "admin@demo.test", "x-user-id": admin.id}).status_code == 401
    for words in (f"bearer{admin.token}", f"Basic {admin.token}", f"Bearer  {admin.token} x", "Bearer", "Bearer null", "Bearer undefined"):
        assert nobody.get("/api/v1/me", headers={"authorization": words}).status_code == 401, words[:12]
    twice = [("authorization", "Bearer x"), ("authorization", f"Bearer {admin.token}")]
    assert nobody.client.get("/api/v1/me", headers=twice).status_code == 401


def test_a_token_of_any_length_is_answered(stack):
    for length in (1, 100, 2049, 20_000):
        assert answer(stack, "a" * length).status_code == 401
        assert answer(stack, f"{'a' * length}.{'b' * length}.{'c' * length}").status_code in (401, 431)


def test_signing_out_ends_the_tokens_of_the_sign_in(stack):
    person = Person(stack.base, "operator2@demo.test")
    assert person.get("/api/v1/me").status_code == 200
    assert person.post("/api/v1/auth/logout").status_code == 204
    assert person.get("/api/v1/agents").status_code == 401

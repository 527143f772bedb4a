"""Guessing: passwords, whether an account is there, keys; and that nobody is locked out by another's guesses."""

import statistics
import time
import uuid

import pytest

from api import Person
from stack import PASSWORD


def guess(person, email, times, password="wrong-password-7"):
    return [person.sign_in(email, f"{password}-{number}").status_code for number in range(times)]


def test_guessing_a_password_comes_to_an_end(stack):
    attacker = Person(stack.base, address="127.0.0.21")
    codes = guess(attacker, "manager@demo.test", 12)
    assert codes[0] == 401 and codes[-1] == 429, codes
    limited = attacker.sign_in("manager@demo.test", PASSWORD)
    assert limited.status_code == 429, "nor with the right one, which would tell that it is"
    assert int(limited.headers["retry-after"]) > 0
    for disguise in ("MANAGER@demo.test", " manager@demo.test "):
        assert attacker.sign_in(disguise, "x").status_code == 429, disguise


def test_nobody_is_locked_out_by_another(stack):
    attacker = Person(stack.base, address="127.0.0.22")
    assert guess(attacker, "manager@demo.test", 15)[-1] == 429
    victim = Person(stack.base, address="127.0.0.23")
    assert victim.sign_in("manager@demo.test", PASSWORD).status_code == 200


def test_a_header_is_no_other_address(stack):
    attacker = Person(stack.base, address="127.0.0.24")
    codes = []
    for number in range(12):
        told = {"x-forwarded-for": f"203.0.113.{number}", "forwarded": f"for=203.0.113.{number}", "x-real-ip": f"203.0.113.{number}", "true-client-ip": f"203.0.113.{number}"}
        codes.append(attacker.sign_in("manager@demo.test", "wrong", headers=told).status_code)
    assert codes[-1] == 429, codes


def test_one_password_for_many_accounts_comes_to_an_end(stack):
    attacker = Person(stack.base, address="127.0.0.25")
    codes = [attacker.sign_in(f"{uuid.uuid4().hex[:8]}@demo.test", "Summer2026!").status_code for _ in range(70)]
    assert 429 in codes, "an address may try any number of accounts"


def test_an_account_cannot_be_told_from_none(stack):
    attacker = Person(stack.base, address="127.0.0.26")
    there, absent = attacker.sign_in("admin@demo.test", "wrong"), attacker.sign_in("nobody@demo.test", "wrong")
    assert there.status_code == absent.status_code == 401
    assert there.text == absent.text
    assert {*there.headers} == {*absent.headers}
    # A hash is computed for both. Medians of interleaved attempts, and a wide margin: the difference without it is tenfold.
    took = {"admin@demo.test": [], "nobody@demo.test": []}
    for number in range(6):
        for email, times in took.items():
            begun = time.perf_counter()
            attacker.sign_in(email, f"wrong-{number}")
            times.append(time.perf_counter() - begun)
    there, absent = (statistics.median(times) for times in took.values())
    assert 0.4 < there / absent < 2.5, took


def test_a_stolen_token_is_no_way_to_guess_the_password(stack):
    person = Person(stack.base, "operator2@demo.test", address="127.0.0.27")
    codes = [person.post("/api/v1/auth/password", json={"current": f"wrong-{n}", "new": "correct horse battery staple 7"}).status_code for n in range(12)]
    assert codes[0] == 422 and codes[-1] == 429, codes
    assert Person(stack.base, address="127.0.0.28").sign_in("operator2@demo.test", PASSWORD).status_code == 200


def test_many_sign_ins_at_once_leave_the_rest_alone(stack, admin):
    # Hashing takes memory and time by design: it must not be a way to stop the gateway.
    import concurrent.futures

    def attempt(number):
        return Person(stack.base, address=f"127.0.1.{number}").sign_in(f"user{number}@demo.test", "wrong").status_code

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        attempts = [pool.submit(attempt, number) for number in range(1, 60)]
        begun = time.monotonic()
        assert admin.get("/api/v1/me").status_code == 200
        assert time.monotonic() - begun < 5
        codes = {one.result() for one in attempts}
    assert codes <= {401, 429}, codes


@pytest.fixture(scope="module")
def newcomer(stack):
    words = ["user", "add", "newcomer@strangers.test", "--name", "Nora Newcomer", "--tenant", "newcomers", "--new-tenant", "Newcomers"]
    stack.trunkline(*words, typed="first-passphrase-of-nora")
    return Person(stack.base, "newcomer@strangers.test", "first-passphrase-of-nora", address="127.0.0.29")


WEAK = ["", "short", "password", "12345678", "first-passphrase-of-nora", "x" * 2000]
# Long enough, and the first that somebody would try: of the list of passwords, of the person, of the product.
GUESSABLE = ["trunkline-demo", "password1234", "qwertyuiop123", "newcomer1234", "Nora-Newcomer", "trunkline123", "aaaaaaaaaaaaaa"]


@pytest.mark.parametrize("password", [*WEAK, *GUESSABLE])
def test_a_weak_password_is_not_taken(newcomer, document, password):
    if password in GUESSABLE and not any("reset" in path for path in document["paths"]):
        pytest.skip("this version judges passwords by their length")
    answer = newcomer.post("/api/v1/auth/password", json={"current": "first-passphrase-of-nora", "new": password})
    assert answer.status_code == 422, f"{password[:20]!r}: {answer.status_code}"


def test_any_strong_password_is_taken_as_it_is(stack, newcomer):
    # No rule about kinds of characters, no upper end that a person would meet, no trimming, no folding of case.
    strong = "  Größe–ветер 🚋 ключ stretta  " + "0123456789 " * 8
    answer = newcomer.post("/api/v1/auth/password", json={"current": "first-passphrase-of-nora", "new": strong})
    assert answer.status_code == 200, answer.text
    there = Person(stack.base, address="127.0.0.31")
    for other in (strong.strip(), strong.lower(), strong[:72], strong[:64]):
        assert there.sign_in("newcomer@strangers.test", other).status_code == 401
    assert there.sign_in("newcomer@strangers.test", strong).status_code == 200


def test_keys_and_tickets_are_not_found_by_trying(stack):
    nobody = Person(stack.base, address="127.0.0.30")
    for key in ("tlk_00000000_" + "a" * 43, "tlk_", "tlk__", "tlk_x_y_z", "tlk_" + "a" * 5000):
        assert nobody.get("/api/v1/agents", headers={"authorization": f"Bearer {key}"}).status_code == 401
    for ticket in ("", "a", "a" * 43, str(uuid.uuid4())):
        assert nobody.get("/api/v1/events", params={"ticket": ticket}).status_code in (400, 401)
    assert nobody.get("/ws/sip", params={"user": "demo-1", "key": "a" * 22}).status_code in (400, 401, 403, 404, 426)

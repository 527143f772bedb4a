"""For schemathesis: who sends the random requests, what is left out, and a note of what was answered. Read by `test_random_requests.py`."""

import json
import os

import requests
import schemathesis

BASE = os.environ["SECURITY_BASE"]
EMAIL = os.environ.get("SECURITY_EMAIL", "")
PASSWORD = os.environ.get("SECURITY_PASSWORD", "")
ANSWERS = open(os.environ["SECURITY_ANSWERS"], "a", buffering=1)
session = {"token": None, "user": None}


class Elsewhere(requests.adapters.HTTPAdapter):
    """From an address of its own: random passwords for what asks for one are guesses, and limit whoever shares theirs."""

    def init_poolmanager(self, *words, **more):
        super().init_poolmanager(*words, source_address=("127.0.0.50", 0), **more)


elsewhere = requests.Session()
elsewhere.mount("http://", Elsewhere())


def sign_in():
    answer = elsewhere.post(f"{BASE}/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}, timeout=10)
    answer.raise_for_status()
    told = answer.json()
    session.update(token=told["access_token"], user=told["user"]["id"])


if EMAIL:
    sign_in()

    @schemathesis.auth(refresh_interval=None)
    class Admin:
        def get(self, case, context):
            return session["token"]

        def set(self, case, data, context):
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def filter_case(context, case):
    """Nobody saws off the branch they sit on: the one who asks keeps their own membership."""
    own = session["user"]
    return not (own and case.method != "GET" and own in map(str, (case.path_parameters or {}).values()))


@schemathesis.hook
def after_call(context, case, response):
    note(case, response.status_code)
    sent = response.request.headers.get("Authorization", "")
    # Signed out by a request before, as it should be: sign in, and ask this once more, or nobody would have asked for it signed in.
    if EMAIL and response.status_code == 401 and sent == f"Bearer {session['token']}" and is_over():
        sign_in()
        again = response.request.copy()
        again.headers["Authorization"] = f"Bearer {session['token']}"
        note(case, elsewhere.send(again, timeout=10, allow_redirects=False).status_code)


def note(case, status):
    ANSWERS.write(json.dumps([case.method, case.operation.path, status]) + "\n")


def is_over():
    """Whether the sign-in is what was refused, and not a wrong password among the words of the request."""
    return elsewhere.get(f"{BASE}/api/v1/me", headers={"Authorization": f"Bearer {session['token']}"}, timeout=10).status_code == 401

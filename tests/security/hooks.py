"""For schemathesis: who sends the random requests, what is left out, and a note of what was answered. Read by `test_random_requests.py`."""

import json
import os
import threading
import time

import requests
import schemathesis

BASE = os.environ["SECURITY_BASE"]
EMAIL = os.environ.get("SECURITY_EMAIL", "")
PASSWORD = os.environ.get("SECURITY_PASSWORD", "")
ANSWERS = open(os.environ["SECURITY_ANSWERS"], "a", buffering=1)
lock = threading.Lock()
session = {"token": None, "user": None, "at": 0.0}


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
    session.update(token=told["access_token"], user=told["user"]["id"], at=time.monotonic())


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
    ANSWERS.write(json.dumps([case.method, case.operation.path, response.status_code]) + "\n")
    sent = response.request.headers.get("Authorization", "")
    # Signed out by one of the requests, as it should be: go on with another sign-in.
    if EMAIL and response.status_code == 401 and sent == f"Bearer {session['token']}":
        with lock:
            if sent == f"Bearer {session['token']}" and time.monotonic() - session["at"] > 0.2:
                sign_in()

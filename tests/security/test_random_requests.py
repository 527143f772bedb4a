"""Random requests made from the whole OpenAPI document (schemathesis): no 5xx, and no answer that the document does not know.

Two at once: an admin, and somebody who is not signed in. `--seed` makes them the same again, `--seconds` says for how long.
"""

import collections
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from stack import PASSWORD, ROOT

HERE = Path(__file__).parent
DOCUMENT = ROOT / "gateway" / "openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# The first would take away the tenant that all others ask for, the second ask them for one-time codes that they do not have.
LEFT_OUT = ["DELETE /api/v1/setup/demo", "PUT /api/v1/sign-in-rules"]


class Run:
    """Schemathesis at work as one person."""

    def __init__(self, stack, folder, name, seed, seconds, email=None):
        self.answers = folder / f"{name}.answers"
        self.said = folder / f"{name}.log"
        env = os.environ | {
            "SECURITY_BASE": stack.base,
            "SECURITY_ANSWERS": str(self.answers),
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(HERE),
            # No pages about what could be bought, and no colours in a file.
            "NO_COLOR": "1",
        }
        if email:
            env |= {"SECURITY_EMAIL": email, "SECURITY_PASSWORD": PASSWORD}
        words = [
            *(sys.executable, "-B", "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", stack.base),
            *("--seed", str(seed), "--max-time", str(seconds), "--workers", "1", "--no-shrink", "--continue-on-failure"),
            *("--checks", CHECKS, "--request-timeout", "10", "--output-truncate", "false"),
        ]
        for name in LEFT_OUT:
            words += ["--exclude-name", name]
        self.limit = seconds + 30
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(words, env=env, cwd=folder, stdout=said, stderr=subprocess.STDOUT)

    def end(self):
        try:
            return self.process.wait(self.limit)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def counted(self):
        """How often each operation was answered with each status."""
        counted = collections.defaultdict(collections.Counter)
        for line in self.answers.read_text().splitlines():
            method, path, code = json.loads(line)
            counted[f"{method.upper()} {path}"][code] += 1
        return counted


@pytest.fixture(scope="module")
def runs(stack, tmp_path_factory, request, document):
    before = len(stack.log)
    seed = request.config.getoption("--seed")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    seconds = request.config.getoption("--seconds")
    print(f"\nrandom requests for {seconds} s; again with: .ci/python tests/security/run --seed {seed} -k random_requests")
    folder = tmp_path_factory.mktemp("random")
    runs = {
        "admin": Run(stack, folder, "admin", seed, seconds, "admin@demo.test"),
        "nobody": Run(stack, folder, "nobody", seed, seconds),
    }
    codes = {name: run.end() for name, run in runs.items()}
    yield runs, codes, stack.log[before:]
    total = {name: sum(sum(codes.values()) for codes in run.counted().values()) for name, run in runs.items()}
    print(f"\nrandom requests answered: {total}")


@pytest.mark.parametrize("who", ["admin", "nobody"])
def test_no_fault_and_nothing_undocumented(runs, who):
    runs, codes, log = runs
    said = runs[who].said.read_text()
    faults = [line for line in log.splitlines() if "request failed" in line]
    assert codes[who] == 0, said[-20_000:] + "\n".join(faults[-20:])


@pytest.mark.parametrize("who", ["admin", "nobody"])
def test_every_operation_was_reached(runs, who, every_operation):
    counted = runs[0][who].counted()
    for operation in every_operation:
        if operation.name in LEFT_OUT:
            continue
        codes = counted[operation.name]
        assert codes, f"{operation.name} was never asked for: give it more --seconds"
        assert max(codes) < 500, f"{operation.name}: {codes}"
        if who == "admin" and not operation.path.startswith("/api/v1/auth/"):
            assert set(codes) - {401}, f"{operation.name}: only refused, {codes}"


def test_nobody_is_let_in(runs, every_operation):
    counted = runs[0]["nobody"].counted()
    for operation in every_operation:
        if not operation.is_public and operation.name not in LEFT_OUT:
            let_in = {code for code in counted[operation.name] if code < 400}
            assert not let_in, f"{operation.name}: {counted[operation.name]}"


def test_the_gateway_is_as_well_as_before(runs, nobody):
    assert nobody.get("/health/ready").status_code == 200
    assert nobody.get("/health").json()["status"] == "ok"
    for line in runs[2].splitlines():
        assert "panicked" not in line and "request failed" not in line, line


def test_the_end_of_the_demo_is_asked_for_last(runs, stranger):
    # What was left out above; the last test of all, since nothing of the demo is left afterwards.
    answer = stranger.send("DELETE", "/api/v1/setup/demo")
    assert answer.status_code in (202, 204, 403, 409), answer.text

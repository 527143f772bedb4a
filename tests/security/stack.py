"""A whole Trunkline of its own: PostgreSQL, Asterisk and the gateway, on free ports, in a folder that is thrown away."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
PASSWORD = "trunkline-demo"

# As an installation for the internet is: people come over https, through a proxy that is not running here, and one other site may use
# the API. The tests speak plain HTTP to the address on loopback.
PUBLIC_HOST = "calls.example.test"
FRIEND = "https://intranet.example.test"
CONFIGURATION = {
    "TRUNKLINE_PUBLIC_URL": f"https://{PUBLIC_HOST}",
    "TRUNKLINE_CORS_ORIGINS": FRIEND,
    "TRUNKLINE_HSTS_INCLUDE_SUBDOMAINS": "true",
    "TRUNKLINE_LOG": "trunkline=debug,info",
    # All tests come from one address, as fast as they can. Limits on sign-ins and those of a key stay.
    "TRUNKLINE_RATE_LIMIT_ADDRESS": "off",
    "TRUNKLINE_RATE_LIMIT_USER": "off",
    "TRUNKLINE_RATE_LIMIT_TENANT": "off",
    "TRUNKLINE_RATE_LIMIT_STREAM": "off",
}


class Stack:
    """What `trunkline-stack run` started; `stop` ends it and nothing else."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="trunkline-security-"))
        self.port, sip_port = free_ports(2)
        self.base = f"http://127.0.0.1:{self.port}"
        ports = {"RUN_DIR": str(self.dir), "HTTP_PORT": str(self.port), "SIP_PORT": str(sip_port)}
        self.said = self.dir / "stack.log"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [BUILT / "trunkline-stack", "run"],
                env=os.environ | CONFIGURATION | ports,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is for the tests alone: they end the stack.
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while "Trunkline is ready" not in self.said.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.said.read_text()
                self.stop()
                raise SystemExit(f"security: the stack did not start:\n{text}")
            time.sleep(0.05)

    @property
    def log(self):
        """What the gateway has logged so far."""
        return (self.dir / "gateway" / "log").read_text(errors="replace")

    def secret(self, name):
        return (self.dir / "secrets" / name).read_text().strip()

    def psql(self, sql):
        """What the database's superuser reads."""
        port = re.search(r'"postgres_port":\s*(\d+)', (self.dir / "state.json").read_text())[1]
        password = self.secret("database-owner")
        url = f"postgres://trunkline_owner:{password}@127.0.0.1:{port}/trunkline"
        return subprocess.run(["psql", "-XqAt", "-c", sql, url], check=True, capture_output=True, text=True).stdout

    def trunkline(self, *words, typed=""):
        """Runs a command of the program on the running installation."""
        port = re.search(r'"postgres_port":\s*(\d+)', (self.dir / "state.json").read_text())[1]
        login = self.secret("database-login")
        env = os.environ | {"TRUNKLINE_DATABASE_URL": f"postgres://trunkline:{login}@127.0.0.1:{port}/trunkline"}
        command = [BUILT / "trunkline", *words]
        done = subprocess.run(command, env=env, input=typed, capture_output=True, text=True, cwd=self.dir)
        assert done.returncode == 0, f"trunkline {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def free_ports(count):
    """Ports that are free for TCP and UDP on loopback."""
    sockets = []
    ports = []
    while len(ports) < count:
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        sockets += [tcp, udp]
        tcp.bind(("127.0.0.1", 0))
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            continue
        ports.append(tcp.getsockname()[1])
    for one in sockets:
        one.close()
    return ports

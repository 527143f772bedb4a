"""The API as a stranger finds it: its document, people signed in, and requests that no polite client would send."""

import base64
import json
import socket
import uuid
from dataclasses import dataclass

import httpx

from stack import PASSWORD

METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One operation of the OpenAPI document."""

    method: str
    path: str
    what: dict

    @property
    def name(self):
        return f"{self.method.upper()} {self.path}"

    @property
    def permission(self):
        return self.what.get("x-permission", "")

    @property
    def is_public(self):
        return self.permission == "public"

    def parameters(self, where):
        return [one["name"] for one in self.what.get("parameters", []) if one["in"] == where]

    def body(self, document):
        """The properties of its JSON body, by name; nothing when it takes none."""
        content = self.what.get("requestBody", {}).get("content", {})
        return properties(document, content.get("application/json", {}).get("schema", {}))

    @property
    def media_types(self):
        """What its body may be."""
        return list(self.what.get("requestBody", {}).get("content", {}))


def resolve(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def properties(document, schema):
    schema = resolve(document, schema)
    found = dict(schema.get("properties", {}))
    for part in [*schema.get("allOf", []), *schema.get("oneOf", []), *schema.get("anyOf", [])]:
        found |= properties(document, part)
    return found


def operations(document):
    return [
        Operation(method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def sample(document, schema, depth=0):
    """A value that fits a schema, roughly: enough to come past the parser."""
    schema = resolve(document, schema)
    for several in ("oneOf", "anyOf"):
        if several in schema:
            fit = [part for part in schema[several] if part.get("type") != "null"]
            return sample(document, fit[0], depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    match kind:
        case "string":
            formats = {
                "uuid": str(uuid.UUID(int=7)),
                "date-time": "2026-01-01T00:00:00Z",
                "date": "2026-01-01",
                "email": "nobody@example.test",
                "uri": "https://example.test/",
            }
            return formats.get(schema.get("format"), "x" * max(schema.get("minLength", 0), 1))
        case "integer" | "number":
            return max(schema.get("minimum", 1), 0)
        case "boolean":
            return False
        case "array":
            return [sample(document, schema.get("items", {}), depth + 1)] if depth < 6 else []
        case "object" if depth < 6:
            wanted = schema.get("required", [])
            known = properties(document, schema)
            # A value that is looked at before the one that a test is about must not stand in its way.
            named = {"allowed_domains": ["example.org"], "permissions": ["queues:read"]}
            return {name: named.get(name) or sample(document, one, depth + 1) for name, one in known.items() if name in wanted}
    return None


class Person:
    """Somebody signed in, or nobody."""

    def __init__(self, base, email=None, password=PASSWORD, token=None, address=None):
        # A connection for each request: one whose body was not read, because it was refused, is closed behind the answer, and whoever
        # sends the next one in that moment would get none.
        transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_keepalive_connections=0))
        self.client = httpx.Client(base_url=base, timeout=20, follow_redirects=False, transport=transport, trust_env=False)
        self.email = email
        self.token = token
        self.signed_in = None
        if email:
            answer = self.sign_in(email, password)
            assert answer.status_code == 200, f"{email}: {answer.status_code} {answer.text}"
            self.signed_in = answer.json()
            self.token = self.signed_in["access_token"]
            # What a browser would send by itself is sent by a test that means to.
            self.client.cookies.clear()

    @property
    def id(self):
        return self.signed_in["user"]["id"]

    def sign_in(self, email, password, **more):
        return self.client.post("/api/v1/auth/login", json={"email": email, "password": password}, **more)

    def send(self, method, path, headers=None, **more):
        authorization = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.request(method, path, headers=authorization | (headers or {}), **more)

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, **more):
        return self.send("POST", path, **more)

    def close(self):
        self.client.close()


def encode(value):
    """base64url without padding, of bytes or of JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def raw(port, request, limit=5):
    """Sends these very bytes and returns what comes back until the other side closes or is silent."""
    data = request if isinstance(request, bytes) else request.encode("latin-1")
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as connection:
        connection.sendall(data)
        try:
            while piece := connection.recv(65536):
                answer += piece
        except (TimeoutError, ConnectionResetError):
            pass
    return answer.decode("latin-1")


def status(answer):
    """The status of a raw answer; 0 when the connection was closed without one."""
    return int(answer.split(" ", 2)[1]) if answer.startswith("HTTP/") else 0

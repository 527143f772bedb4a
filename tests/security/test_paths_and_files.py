"""Files: none beyond those that are meant, whatever path is asked for or stands in a row; and what may be sent in."""

import gzip
import os
import re

import pytest

from api import raw, status

CLIMBS = [
    "../../../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "..\\..\\..\\etc\\passwd",
    "....//....//....//etc/passwd",
    "..;/..;/..;/etc/passwd",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "%u002e%u002e/etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "index.html%00.js",
    "%00",
    "..%00/..%00/etc/passwd",
]
PREFIXES = ["/", "/assets/", "/dev/", "/api/v1/recordings/", "/api/v1/", "/webhooks/", "/files/", "/api/v1/files/", "/health/"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_path_leads_out(stack, admin, prefix):
    for climb in CLIMBS:
        for ending in ("", "/audio", "?key=x"):
            for accepts in ("*/*", "text/html"):
                answer = raw(
                    stack.port,
                    f"GET {prefix}{climb}{ending} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accepts}\r\nAuthorization: Bearer {admin.token}\r\nConnection: close\r\n\r\n",
                )
                # 200 can only be the panel's page, which answers for all its screens.
                page = status(answer) == 200 and accepts == "text/html" and '<div id="root">' in answer
                assert page or status(answer) in (0, 400, 401, 404, 405), f"{prefix}{climb}{ending}: {answer[:150]}"
                assert "root:" not in answer and "[package]" not in answer, f"{prefix}{climb}"


def test_a_recording_is_read_from_its_folder_alone(stack, operator, keep_recording):
    # Even if a row were wrong: a path that climbs, one from the root, a link that leads out, a folder, a device.
    folder = stack.dir / "recordings"
    os.symlink(stack.dir / "secrets" / "secret-key", folder / "link.wav")
    os.symlink(stack.dir, folder / "folder-link")
    (folder / "a-folder").mkdir()
    planted = []
    assert operator.get(f"/api/v1/recordings/{keep_recording()}/audio").status_code == 200
    secret = stack.secret("secret-key")
    for path in (
        "../secrets/secret-key",
        str(stack.dir / "secrets" / "secret-key"),
        "/etc/passwd",
        "./../secrets/secret-key",
        "./link.wav",
        "folder-link/secrets/secret-key",
        "a-folder/",
        "/dev/zero",
        "/proc/self/environ",
    ):
        recording = keep_recording(path)
        planted.append(recording)
        for what in ("audio", "waveform"):
            answer = operator.get(f"/api/v1/recordings/{recording}/{what}")
            assert answer.status_code in (404, 409, 500), f"{path}: {answer.status_code}"
            assert secret not in answer.text and "root:" not in answer.text and str(stack.dir) not in answer.text, path
    # Nothing else has to live with them.
    stack.psql(f"DELETE FROM recordings WHERE id = ANY ('{{{','.join(planted)}}}')")
    (folder / "link.wav").unlink()
    (folder / "folder-link").unlink()


def test_a_range_gives_no_more_than_the_file(operator, keep_recording):
    content = bytes(range(100))
    recording = keep_recording(content=content)
    for wanted, given in (("bytes=0-9", content[:10]), ("bytes=-5", content[-5:]), ("bytes=90-100000", content[90:])):
        answer = operator.get(f"/api/v1/recordings/{recording}/audio", headers={"range": wanted})
        assert (answer.status_code, answer.content) == (206, given), wanted
    for odd in ("bytes=100-", "bytes=-0", "bytes=5-1", "bytes=" + ",".join("0-" for _ in range(2000)), "bytes=0-18446744073709551616", "bytes=a-b", "lines=1-2", "bytes=--5"):
        answer = operator.get(f"/api/v1/recordings/{recording}/audio", headers={"range": odd})
        assert answer.status_code in (200, 206, 400, 416, 431), f"{odd[:30]}: {answer.status_code}"
        assert len(answer.content) <= max(len(content), 1000)


def test_a_link_opens_one_recording_for_a_while(stack, nobody, operator, keep_recording):
    one, other = keep_recording(), keep_recording()
    link = operator.post(f"/api/v1/recordings/{one}/link").json()["url"]
    assert nobody.get(link).status_code == 200
    key = re.search(r"key=([^&]+)", link)[1]
    assert nobody.get(f"/api/v1/recordings/{other}/audio", params={"key": key}).status_code in (401, 403, 404)
    assert nobody.get(link, params={"key": key, "download": "true"}).status_code in (401, 403, 404), "made for hearing"
    assert nobody.get(f"/api/v1/recordings/{one}", params={"key": key}).status_code == 401, "for the audio alone"
    changed = key[:-2] + ("AA" if key[-2:] != "AA" else "BB")
    assert nobody.get(f"/api/v1/recordings/{one}/audio", params={"key": changed}).status_code == 401
    assert key not in stack.log


def test_a_body_has_an_end(admin, stack):
    big = b'{"name":"' + b"a" * 300_000 + b'"}'
    assert admin.send("PATCH", "/api/v1/me", content=big, headers={"content-type": "application/json"}).status_code == 413
    chunks = (b" " * 65_536 for _ in range(40))
    # Refused before all of it is read: the connection may end under the sender.
    try:
        answer = admin.send("PATCH", "/api/v1/me", content=chunks, headers={"content-type": "application/json"})
        assert answer.status_code == 413
    except OSError as error:
        assert "reset" in str(error).lower() or "pipe" in str(error).lower()
    except Exception as error:  # noqa: BLE001 - httpx wraps what the system said.
        assert type(error).__name__ in ("WriteError", "RemoteProtocolError", "ReadError"), error
    assert admin.get("/api/v1/me").status_code == 200


def test_what_is_compressed_is_not_blown_up(admin):
    bomb = gzip.compress(b'{"name":"' + b"a" * 50_000_000 + b'"}')
    for encoding in ("gzip", "deflate", "br", "zstd"):
        answer = admin.send("PATCH", "/api/v1/me", content=bomb, headers={"content-type": "application/json", "content-encoding": encoding})
        assert answer.status_code in (400, 415), encoding


EVIL_FILES = [
    ("page.html", "text/html", b"<script>alert(1)</script>"),
    ("picture.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    ("picture.png", "image/png", b"<script>alert(1)</script>"),
    ("program.exe", "application/octet-stream", b"MZ\x90\x00"),
    ("sheet.csv.php", "text/csv", b"<?php system($_GET['c']);"),
    ("../../../etc/cron.d/x", "text/csv", b"* * * * * root id"),
    ("a.zip", "application/zip", b"PK\x03\x04"),
]


def test_a_file_is_taken_only_where_the_document_says_so(admin, every_operation):
    for operation in every_operation:
        path = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000007", operation.path)
        taken = [kind for kind in operation.media_types if kind != "application/json"]
        if operation.method == "get" or operation.path in ("/api/v1/setup/demo", "/api/v1/auth/logout"):
            continue
        for name, kind, content in EVIL_FILES:
            answer = admin.send(operation.method, path, files={"file": (name, content, kind)})
            assert answer.status_code < 500, f"{operation.name}: {answer.text}"
            if operation.media_types and not taken:
                assert answer.status_code >= 400, f"{operation.name} took {name}"
            elif taken:
                # What does take files says of each what it makes of it, and serves none as a page.
                assert answer.status_code >= 400 or "html" not in answer.text, f"{operation.name} took {name}"


def test_nothing_is_put_where_pages_are_served(admin, nobody):
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        for path in ("/evil.html", "/assets/evil.js", "/index.html", "/dev/evil.html"):
            assert admin.send(method, path, content=b"<script>").status_code in (404, 405), f"{method} {path}"
    assert nobody.get("/evil.html").status_code == 404

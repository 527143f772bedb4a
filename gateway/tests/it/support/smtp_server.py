"""A real SMTP server (Debian's python3-aiosmtpd) for one test: takes letters, prints each as one line of JSON, refuses what it is told to.

    smtp_server.py PORT [CERTIFICATE KEY]

To whom a letter goes says what becomes of it: `busy-2-…@` is refused for now (451) twice, `nobody@` for ever (550). Whoever signs in
must be `ada` with the password `right`. With a certificate the server speaks TLS from the first byte.
"""

import asyncio
import json
import ssl
import sys
from email import policy
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult

busy = {}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local == "nobody":
            return "550 5.1.1 there is no such mailbox"
        if local.startswith("busy-"):
            busy[address] = busy.get(address, 0) + 1
            if busy[address] <= int(local.split("-")[1]):
                return "451 4.2.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = BytesParser(policy=policy.default).parsebytes(envelope.content)
        part = lambda kind: letter.get_body(preferencelist=(kind,)).get_content()
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "helo": session.host_name,
                    "user": session.auth_data,
                    "headers": [[name, str(value)] for name, value in letter.items()],
                    "subject": letter["subject"],
                    "text": part("plain"),
                    "html": part("html"),
                    "attempts": {address: busy.get(address, 1) for address in envelope.rcpt_tos},
                }
            ),
            flush=True,
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"ada" and data.password == b"right"
    message = None if right else "535 5.7.8 that is not the password"
    return AuthResult(success=right, handled=False, message=message, auth_data="ada" if right else None)


async def serve():
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), authenticator=authenticate, auth_require_tls=False, loop=loop)
    server = await loop.create_server(make, "127.0.0.1", int(sys.argv[1]), ssl=context)
    print(json.dumps({"ready": True}), flush=True)
    await server.serve_forever()


asyncio.run(serve())

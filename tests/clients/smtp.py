"""A mail server, aiosmtpd, and a strict reader of what it takes, Python's email package.

Arguments: a mode, and with "starttls" the files of a certificate and its key. First line: its port. Then one line of
JSON for each mail: its recipients, subject, fields, and the links of its text.

  plain     takes everything, and knows no SMTPUTF8
  greylist  says "later" to each recipient at first
  refuse    refuses each recipient for good
  starttls  takes mail over TLS only
  auth      takes mail only of "api" with the password "right"
"""

import email
import email.policy
import json
import re
import socket
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

mode = sys.argv[1]
seen = set()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode == "refuse":
            return "550 5.1.1 no such mailbox"
        if mode == "greylist" and address not in seen:
            seen.add(address)
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        strict = email.policy.SMTP.clone(raise_on_defect=True)
        message = email.message_from_bytes(envelope.content, policy=strict)
        text = message.get_content()
        print(json.dumps({
            "to": envelope.rcpt_tos,
            "subject": message["subject"],
            "fields": {name.lower(): str(value) for name, value in message.items()},
            "links": re.findall(r"https?://\S+", text),
            "tls": session.ssl is not None,
            "utf8": envelope.smtp_utf8,
        }), flush=True)
        return "250 OK"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


options = {"enable_SMTPUTF8": False}
if mode == "starttls":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    options |= {"require_starttls": True, "tls_context": context}
if mode == "auth":
    def authenticate(server, session, envelope, mechanism, data):
        is_right = data.login == b"api" and data.password == b"right"
        return AuthResult(success=is_right, handled=False)

    options |= {"auth_required": True, "auth_require_tls": False, "authenticator": authenticate}
port = int(sys.argv[4]) if len(sys.argv) > 4 else free_port()
controller = Controller(Handler(), hostname="127.0.0.1", port=port, **options)
controller.start()
print(port, flush=True)
while True:
    time.sleep(60)

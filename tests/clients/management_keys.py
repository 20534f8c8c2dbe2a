"""Sends each request of schemathesis with another management key, so that no key reaches its rate. The fuzzer revokes
keys, too: those are left out from then on."""
import os

import schemathesis

keys = open(os.environ["KEYDESK_KEYS"]).read().split()


@schemathesis.auth(refresh_interval=None)
class NextKey:
    def get(self, case, context):
        keys.append(keys.pop(0))
        return keys[0]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    sent = str((case.headers or {}).get("Authorization", "")).removeprefix("Bearer ")
    if response.status_code == 401 and sent in keys and len(keys) > 1:
        keys.remove(sent)

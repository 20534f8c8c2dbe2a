"""Uses the client that openapi-python-client makes of the management API's document, once around."""
import base64
import json
import os
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from keydesk_management_api_client import AuthenticatedClient
from keydesk_management_api_client.api.receipts import list_receipt_keys, read_receipt
from keydesk_management_api_client.api.tokens import (
    create_token,
    limit_token,
    list_token_consequences,
    list_tokens,
    revoke_token,
    rotate_token,
    update_token,
)
from keydesk_management_api_client.models import (
    GracePeriod,
    Mode,
    NewRotation,
    NewToken,
    NewTokenLimits,
    TokenChange,
    TokenPatch,
)

client = AuthenticatedClient(base_url=sys.argv[1] + "/api/v1", token=os.environ["KEYDESK_KEY"])


def create(name, key):
    body = NewToken(name=name, scopes=["contacts:read"])
    return create_token.sync_detailed(client=client, body=body, idempotency_key=key)


created = create("Python 0", "python-0")
assert created.status_code == 201, created
token, secret = created.parsed.token, created.parsed.secret
assert secret.startswith("kd_a_") and created.headers["location"].endswith(token.id)

# A repetition is answered with the same object, without the secret.
replayed = create("Python 0", "python-0")
assert replayed.parsed.token.id == token.id and replayed.parsed.secret is None, replayed
assert replayed.headers["idempotency-replayed"] == "true"
reused = create("another", "python-0")
assert reused.status_code == 422 and reused.parsed.code == "idempotency_key_reused", reused

for number in range(1, 5):
    assert create(f"Python {number}", f"python-{number}").status_code == 201
names, cursor = [], None
while True:
    page = list_tokens.sync(client=client, limit=2, text="Python", **({"cursor": cursor} if cursor else {}))
    names += [item.name for item in page.items]
    cursor = page.next_
    if not cursor:
        break
assert sorted(names) == [f"Python {number}" for number in range(5)], names

limits = NewTokenLimits(scopes=["contacts:*"], ip_allowlist=["203.0.113.0/24"], mode=Mode.OBSERVE)
limited = limit_token.sync(token.id, client=client, body=limits)
assert limited.observed_limits.scopes == ["contacts:*"], limited
rotated = rotate_token.sync(token.id, client=client, body=NewRotation(grace_period=GracePeriod.VALUE_2))
assert rotated.secret != secret and rotated.previous_secret_expires_at, rotated

stale = update_token.sync_detailed(token.id, client=client, body=TokenPatch(name="x"), if_match='"stale"')
assert stale.status_code == 412 and stale.parsed.code == "precondition_failed", stale

would_stop = list_token_consequences.sync_detailed(token.id, client=client, of=TokenChange.REVOKE)
etag = would_stop.headers["etag"]
revoked = revoke_token.sync(token.id, client=client, if_match=etag)
assert revoked.token.state == "revoked", revoked
again = revoke_token.sync_detailed(token.id, client=client, if_match=etag)
assert again.status_code == 409 and again.parsed.code == "token_inactive", again

receipt = read_receipt.sync(revoked.receipt.number, client=client)
header, payload, signature = receipt.jws.split(".")


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


kid = json.loads(decoded(header))["kid"]
keys = list_receipt_keys.sync(client=client).to_dict()["keys"]
key = next(key for key in keys if key["kid"] == kid)
Ed25519PublicKey.from_public_bytes(decoded(key["x"])).verify(decoded(signature), f"{header}.{payload}".encode())
assert json.loads(decoded(payload))["target"] == token.id
print("verified")

"""Authlib's client against introspection and revocation; says what it was told, as JSON."""
import json
import sys

from authlib.integrations.requests_client import OAuth2Session

issuer, client_id, secret, token = sys.argv[1:]
told = {}
for method in ("client_secret_basic", "client_secret_post"):
    session = OAuth2Session(client_id, secret, token_endpoint_auth_method=method)
    told[method] = session.introspect_token(f"{issuer}/keydesk/oauth/introspect", token=token).json()
revoked = session.revoke_token(f"{issuer}/keydesk/oauth/revoke", token=token)
told["revoked"] = revoked.status_code
told["after"] = session.introspect_token(f"{issuer}/keydesk/oauth/introspect", token=token).json()
print(json.dumps(told))

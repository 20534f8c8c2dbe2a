"""Verifies deliveries with the reference libraries: a JSON list of {body, headers} on standard input, the secret in SECRET."""
import json
import os
import sys

from standardwebhooks import Webhook as Standard
from svix.webhooks import Webhook as Svix

for delivery in json.load(sys.stdin):
    for library in (Standard, Svix):
        library(os.environ["SECRET"]).verify(delivery["body"], delivery["headers"])
        changed = delivery["body"].replace("}", " }", 1)
        try:
            library(os.environ["SECRET"]).verify(changed, delivery["headers"])
        except Exception as error:
            assert "signature" in str(error).lower(), error
        else:
            raise AssertionError("a changed body is accepted")
print("verified")

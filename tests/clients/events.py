"""Reads the events of an account and verifies that none is missing or was changed."""
import hashlib
import json
import os
import urllib.request
from datetime import datetime, timedelta, timezone

URL, KEY = os.environ["KEYDESK_URL"], os.environ["KEYDESK_KEY"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def pages(after=0):
    while True:
        request = urllib.request.Request(f"{URL}/api/v1/events?after={after}&limit=1000")
        request.add_header("authorization", f"Bearer {KEY}")
        page = json.load(urllib.request.urlopen(request))
        yield from page["items"]
        after = page["last"]
        if not page["has_more"]:
            return


def digest(before, event):
    data, entry = event["data"], event["entry"]
    # Python's datetime has no leap seconds and no more than microseconds.
    at = (datetime.fromisoformat(entry["at"].replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)
    texts = [entry["event"], data["actor"], data["user"], data["member"], data["management_key"], data["account"]]
    texts += [data["object"], entry["detail_json"], entry["client_ip"], entry["client"], entry["request_id"]]
    digest = hashlib.sha256(before.encode())
    digest.update(data["audit_entry"].to_bytes(8, "big") + at.to_bytes(8, "big"))
    for text in texts:
        encoded = (text or "").encode()
        digest.update(b"\0" if text is None else b"\1" + len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


seq, chain = 0, ""
for event in pages():
    seq, chain = seq + 1, digest(chain, event)
    assert event["data"]["seq"] == seq, f"event {seq} is missing"
    assert event["entry"]["chain"] == chain, f"event {seq} was changed"
print(f"{seq} events, none missing, chain {chain}")

restore-title = Restore token
restore-button = Restore token
restore-button-short = Restore
restore-is-active = The token works. Clients that were rejected work again with their next request.
restore-until = The token is revoked: every gateway rejects it. You can restore it until { $when }.
restore-paused = The token is paused: every gateway rejects it until you restore it.
restore-is-permanent = The token is revoked permanently. It can’t be restored.
restore-clients = Rejected clients
restore-no-clients = No client has sent a request with the token while it was revoked.
restore-back = { $back } of { $all } work again
restore-requests = Rejected requests
restore-rejected = Last rejected
restore-works = Works again
restore-waits = Rejected
revoke-permanently = Revoke permanently
token-pause = Pause token
tokens-restorable = Can be restored
tokens-restorable-until = Can be restored until
tokens-is-paused = Paused
not-restorable = This token can’t be restored. { $why }
restore-active = It is active.
restore-expired = It has expired.
restore-too-late = It was revoked more than 24 hours ago.
restore-permanent = It was revoked permanently.
restore-account-closed = Its account was permanently closed.
violation-revoked = Rejected: secret no longer works
receipt-restored = Every gateway accepts it again. The last one confirmed after { $slowest_ms } ms.
receipt-restored-pending = At least one gateway hasn’t confirmed yet. It accepts the token as soon as it is connected to the database again.
receipt-accepts = Accepts it
receipt-accepts-later = once it is connected again
event-token-paused = Token paused
event-token-restored = Token restored
event-token-revoked_permanently = Token revoked permanently
done-token_revoked_permanently = API token revoked permanently.
done-token_paused = API token paused. It no longer works until you restore it.
done-token_restored = API token restored. It works again.
mail-token-revoked-subject = API token “{ $name }” in { $account } was revoked
mail-token-revoked =
    The API token “{ $name }” in { $account } was revoked and no longer works.

    If this was a mistake, you can restore it until { $until }:
    { $console }/tokens
mail-token-restored-subject = API token “{ $name }” in { $account } was restored
mail-token-restored =
    The API token “{ $name }” in { $account } was restored and works again.

    If you don’t expect this, revoke it:
    { $console }/tokens

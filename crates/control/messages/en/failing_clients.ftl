failing-title = Failing clients
failing-lead = Clients whose requests the gateway rejected in the last 7 days, grouped by the reason.
failing-search = Token, code, client, network, or operation
failing-open = Open ({ $open })
failing-state-open = Open
failing-state-muted = Muted
failing-state-resolved = Resolved
failing-state-all = All
failing-none = No failing clients.
failing-reason = Reason
failing-last-7-days = Last 7 days
failing-last = Last rejected
failing-first = First rejected
failing-hours = { $requests ->
    [one] { $requests } rejected request in the last 7 days
   *[other] { $requests } rejected requests in the last 7 days
}
failing-unknown-client = Clients without a valid token
failing-one = Failing client
failing-with = With the token “{ $name }”
failing-works-again = Since then, the gateway has accepted requests from this client with this token.
failing-what-to-do = What you can do
failing-network = Network
failing-notified = Creator and administrators were notified
failing-report = Notify creator and administrators
failing-resolve = Mark as resolved
failing-mute = Mute for 7 days
failing-reopen = Reopen
failing-states = A resolved client reopens with its next rejected request. A muted one is not shown among the open ones.
requests-pages = Request pages
done-failing_muted = Muted for 7 days.
done-failing_resolved = Marked as resolved. It reopens if another request is rejected.
done-failing_reopened = Reopened.
done-failing_reported = Email sent to the token’s creator and the administrators.
invalid-mute-time = Enter a number of days from 1 to { $most }.
nobody-to-notify = These requests have no token of the account, so there is nobody to notify.
already-notified = The creator and the administrators were notified within the last 24 hours.
event-failing_client-muted = Failing client muted
event-failing_client-resolved = Failing client resolved
event-failing_client-reopened = Failing client reopened
event-failing_client-reported = Failing client reported by email
remedy-restore = Restore token
remedy-consequences-restore = Every client with this token works again, at every gateway.
remedy-replace = Create replacement
remedy-consequences-replace = The new token has the same name, scopes, and IP allowlist. The client keeps failing until it uses the new token.
remedy-add-scope = Add scope { $value }
remedy-consequences-add-scope = Every client with this token can then use the operations of { $value }. The secret doesn’t change.
remedy-allow = Allow { $value }
remedy-consequences-allow = The token then works from { $value } as well. The secret doesn’t change.
remedy-account-limits = Change the account’s IP allowlist
remedy-consequences-account-limits = All tokens of the account then work from the networks that you add.
remedy-plan = See account limits
remedy-consequences-plan = The client sends more requests than the plan permits. It can send fewer requests, or you can ask the API provider for another plan.
remedy-new-bearer-token = Use the new bearer token
remedy-consequences-new-bearer-token = Your bearer token was replaced. Update the client with the new one from API Docs.
remedy-reference = See the API reference
remedy-consequences-reference = The API has no such operation, or no operation rule covers it. Check the method and the path.
remedy-provider = Contact the API provider
remedy-consequences-provider = Only the API provider can change this.
failing-last-accepted = Last accepted from this client
failing-not-accepted = Not in the last 7 days
remedy-update-secret = Update the secret
remedy-consequences-update-secret = The token is active, but the client sent a secret that didn’t work: either a previous secret, or the current secret while the token was revoked or paused. The current secret was shown once, when the token was created or rotated. If it’s lost, rotate the token.
remedy-ask-member = Ask { $value } to update the client
remedy-consequences-ask-member = Their bearer token was replaced. They can find the new one on their API Docs page.
remedy-move = Move clients to API tokens
remedy-consequences-move = Create an API token for each client. API tokens don’t depend on a member’s password or sessions.
remedy-create = Create API token
remedy-consequences-create = The member no longer has a bearer token in this account. Give the client an API token.
remedy-send = See how to send the token
remedy-consequences-send = The client must send the header Authorization: Bearer followed by the token. API Docs has examples in several languages.
remedy-check = Check the client’s settings
remedy-consequences-check = The client sends a value that isn’t a token of this account. Compare the endpoint URL with API Docs. Your bearer token is there, too. The secret of an API token was shown only once: copy it from where you stored it. If you’ve lost the secret, rotate the API token.
remedy-request = See what to change
remedy-consequences-request = The request itself is invalid, so using another token won’t help.
mail-failing-client-subject = Requests with “{ $token }” are rejected
mail-failing-client =
    Requests of { $client } with the token “{ $token }” in { $account } are rejected: { $code }.

    First: { $first }
    Last: { $last }
    Requests in the last 7 days: { $requests }

    See the reason and what you can do:
    { $link }
remedy-url = Correct the URL
remedy-consequences-url = The client sends the token to the URL of another account. Use the endpoint URL on API Docs.
remedy-exposed = Rotate the token
remedy-consequences-exposed = URLs end up in logs, so others may have seen the token. Give the client the new secret in the Authorization header; the previous one works during the grace period that you choose.

move-first = To keep them running, first <a href="/api-docs/move">create API tokens for them</a>.
move-first-of = To keep them running, first <a href="/members/{ $id }/move">create API tokens for them</a>.
move-title = Move clients to API tokens
move-lead = These clients use your bearer token, which stops working when you change your password or log out of all sessions. Create an API token for each, give it to the client, and see here who has moved.
move-lead-of = These clients use the bearer token of { $member }. Create an API token for each, give it to the client, and see here who has moved.
move-dependent = { $n ->
    [one] { $n } client would stop working.
   *[other] { $n } clients would stop working.
}
move-safe = You can revoke the bearer token.
move-safe-why = No client has used it in the last 24 hours without having moved.
move-last-used = Bearer token last used
move-has-moved = Has moved
move-waits = Token created, not yet used
move-depends = Depends on the bearer token
move-idle = Idle for 24 hours
move-hint = Scopes and IP addresses are what the client used in the last 30 days. Clear a checkbox to create the token without this limit.
move-create = Create tokens
moved-title = New API tokens
moved-none = No token was created. Select at least one client.
moved-next = See who has moved

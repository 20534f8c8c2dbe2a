go-to-api-docs = Go to API Docs
no-page = Page not found
no-page-why = It may have moved, or it belongs to another account.
not-permitted = You don’t have permission to do this
logged-out = You’ve been logged out
logged-out-why = Your session or membership ended just now. Nothing has changed.
invalid = Your request couldn’t be completed
conflict = Someone else made a change first
conflict-why = The page you were on is out of date. Reload it and try again.
too-busy = Too many people are logging in right now
too-busy-why = Try again in a few seconds.
busy = The database is busy
busy-why = Keydesk can’t reach its database, or another change is blocking it. Nothing has changed. Try again in a few seconds.
wrong-clock = The server clocks don’t agree
wrong-clock-why = This server’s clock differs from the database’s clock, or it was adjusted a moment ago. You can close an account once they agree. Nothing has changed. /status shows the difference.
too-many-tries = Too many failed attempts
too-many-log-ins = Too many logins
too-many-changes = Too many changes
too-many-changes-why =
    { $n ->
        [one] Wait 1 second, then try again. Nothing has changed.
       *[other] Wait { $n } seconds, then try again. Nothing has changed.
    }
broken = Something went wrong on our end
broken-why = Nothing has changed. Try again. If the problem persists, contact the API provider.
unsettled = Saved, but not yet confirmed
unsettled-why = Your change has been saved, but the gateway hasn’t confirmed it yet. Check again in a moment.
unknown = We don’t know whether your change was saved
unknown-why = The database stopped responding while it was saving your change. Check whether the change is there before you try again.
not-permitted-why = Your role here is { $role }. Ask an owner or administrator of { $account }.
no-account = You’re not a member of any account
no-account-why = You were removed from your last account, or it was closed. Ask its owner for an invitation, or contact the API provider.
two-factor-required = Two-factor authentication is required here
two-factor-required-why = Set it up first. Nothing has changed.
misdirected-why = The request is for { $host }, but this console is at { $url }. Use that address instead. If the address in your browser is correct, configure your proxy to pass the Host header through.
misdirected = This isn’t the console’s address
only-https-why = Passwords and tokens would be sent unencrypted. Use { $url }. If the console is behind a proxy, list the proxy in trusted_proxies and have it send X-Forwarded-Proto: https.
only-https = HTTPS is required
wrong-method = This page can’t be used that way
wrong-method-why = Go back and use the buttons on the page.
unreadable = Invalid request
unreadable-why = This page doesn’t produce the URL or form that was sent. Go back and use the links and buttons on the page.
control-character = The field “{ $field }” contains a control character. Remove it and try again.
request-id = Request ID: { $id }

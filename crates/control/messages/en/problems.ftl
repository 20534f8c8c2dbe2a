go-to-api-docs = Go to API Docs
no-page = There is no such page
no-page-why = It may have moved, or belong to another account.
not-permitted = Your role does not allow this
logged-out = You are no longer logged in
logged-out-why = Your session or your membership ended a moment ago. Nothing was changed.
invalid = That cannot be carried out
conflict = Someone was faster
conflict-why = The page you saw is out of date. Reload it and look again.
too-busy = Too many people are logging in
too-busy-why = Try again in a few seconds.
busy = The database is busy
busy-why = Keydesk cannot reach its database, or another change holds it. Nothing was changed. Try again in a few seconds.
wrong-clock = The clocks do not agree
wrong-clock-why = The clock of this machine differs from the clock of the database, or it was changed a moment ago. An account can be closed when they agree. Nothing was changed. /status shows the difference.
too-many-tries = Too many wrong tries
too-many-log-ins = Too many logins
too-many-changes = Too many changes in a short time
too-many-changes-why =
    { $n ->
        [one] Wait 1 second, then try again. Nothing has changed.
       *[other] Wait { $n } seconds, then try again. Nothing has changed.
    }
broken = Something failed on our side
broken-why = Nothing was changed. Try again; if it lasts, tell the operator.
unsettled = Done, but not yet confirmed
unsettled-why = The change is stored. The gateway has not confirmed it yet; look again in a moment.
unknown = It is not known whether that was done
unknown-why = The database stopped answering while it was asked to store the change. Look whether it is there before you try again.
not-permitted-why = You are { $role } here. Ask an owner or administrator of { $account }.
no-account = You belong to no account
no-account-why = You were removed from the last one, or it was closed. Ask its owner for an invitation, or the operator.
factor-asked = A second factor is asked for here
factor-asked-why = Set one up first; nothing was changed.
misdirected-why = The request is for { $host }, but this console is at { $url }. Use that address. If the address in your browser is right, configure the proxy to pass the Host header on.
misdirected = This is not the console's address
only-https-why = Passwords and tokens would travel in clear. Use { $url }; its proxy must be among trusted_proxies and send X-Forwarded-Proto: https.
only-https = Only https is served
wrong-method = That is not how this page is used
wrong-method-why = Go back and use the page's own buttons.
unreadable = That cannot be read
unreadable-why = The address or the form is not one that this page makes. Go back and use the page’s own links and buttons.
control-character = The field “{ $field }” contains a control character. Remove it and try again.
request-id = Request ID: { $id }

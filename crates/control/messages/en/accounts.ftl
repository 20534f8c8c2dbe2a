limits-calls = { $n } calls
limits-used =
    { $n ->
        [one] { $n } call, { $used } % of the month’s
       *[other] { $n } calls, { $used } % of the month’s
    }
limits-title = Account limits
limits-lead = What all tokens of the account may do together. Each API token can be limited further on its own page.
limits-together = All tokens together
limits-each = Each token
limits-in-a-month = In a month
limits-observed = The plan is observed: nothing is refused for it yet, and what would be is listed under <a href="/tokens/objections">objections</a>.
limits-no-plan = No plan limits how much the account calls.
limits-addresses = Addresses
limits-seen = Seen in 30 days
limits-none-seen = none, or too many to list
limits-too-long = Tokens that live longer than they may
limits-too-long-why = They were made before the limit, or while it was only tried: they keep their end, and would be refused if they were made now.
limits-new-addresses = New addresses
limits-addresses-hint = One address or network a line; empty: from anywhere. It holds for every token, bearer tokens too.
limits-set-addresses = Set addresses
limits-life = Life of new tokens
limits-at-most = At most so many days
limits-as-long = as long as one likes
limits-must-end = New API tokens must have an end
limits-try-life = Try: refuse no token, list those that would be
limits-life-hint = It holds for API tokens that are made from now on; those that are there keep their end. Who made one and who administers the account are reminded 30, 7 and 1 days before it ends.
limits-set-life = Set the longest life
limits-who-sets = Owners and administrators set the addresses.
setup-title = Set up Keydesk
setup-lead = You become the operator: you open accounts for the customers of your API and decide what each may do. You also become the owner of a first account, so that you can try the API as a customer would.
setup-password-hint = At least 15 characters. Three or four unrelated words do well; no digits or signs are asked for.
sign-up-sent = A link is on its way to { $email }. It works once, for a day; the account is opened with it.
sign-up-lead = An account of your own, with an endpoint URL and tokens. First we send a link to your address.
sign-up-log-in = Log in instead
signed-up-title = Open { $account }
signed-up-lead = You log in with { $email }, and become the account’s owner.
setup-over = This link is no longer good
setup-over-why = It works once, for an hour. Restart Keydesk for a new one, or log in if the account is there already.
limits-rate = { $n } calls in { $seconds } s
limits-life-wrong = The longest life is a number of days from 1 to 36500, or empty for none.
sign-up-over = This link is no longer good. It works once, for a day; sign up anew.
account-exists = There is an account already; log in, or ask its owner for an invitation.
sign-up-anew = Sign up anew
limits-new-month =
    { $n ->
        [one] A new month begins in { $n } day, UTC
       *[other] A new month begins in { $n } days, UTC
    }
cors-title = Browser access (CORS)
cors-danger = Allow web pages to call the API with a token of this account. Only do this if you have no server that can call the API for the page:
cors-danger-visible = Everyone who opens the page can read the token in it, and use it from any program. CORS does not hide it.
cors-danger-scopes = Create a separate token for the page, with as few scopes as possible and an expiration date, and rotate it often.
cors-danger-better = Safer: let your own server hold the token and call the API for the page.
cors-origins = Allowed origins
cors-origins-hint = One origin per line: scheme, host, and port, such as https://app.example.com. Leave empty to use the API provider’s setting. An asterisk (*) allows every origin.
cors-methods = Allowed methods
cors-all-methods = All methods
cors-headers = Allowed request headers
cors-all-headers = All headers
cors-exposed = Response headers that pages can read, in addition to the standard ones
cors-max-age = Preflight cache, in seconds
cors-set = Save browser access
cors-origin-wrong = Enter at most 50 origins, each with scheme and host and without a path, such as https://app.example.com.
cors-list-wrong = Check the methods, the header names, and the number of seconds (at most 86400).

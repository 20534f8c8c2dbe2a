limits-requests = { $n } requests
limits-used =
    { $n ->
        [one] { $n } request ({ $used }% of the monthly quota)
       *[other] { $n } requests ({ $used }% of the monthly quota)
    }
limits-title = Account limits
limits-lead = These limits apply to all of the account’s tokens. You can restrict an API token further on its own page.
limits-together = All tokens combined
limits-each = Per token
limits-in-a-month = Monthly quota
limits-observed = This plan is in observe mode: no requests are rejected because of it. Requests that would be rejected are listed under <a href="/tokens/violations">Violations</a>.
limits-no-plan = This account has no plan, so its requests aren’t limited.
limits-allowlist = IP allowlist
limits-seen = Seen in the last 30 days
limits-none-seen = None, or too many to list
limits-too-long = Tokens that exceed the maximum lifetime
limits-too-long-why = These tokens were created before the limit was set, or while it was in observe mode. They keep their expiration date, but couldn’t be created today.
limits-edit-allowlist = Edit IP allowlist
limits-allowlist-hint = Enter one IP address or CIDR range per line. Leave empty to allow any IP address. The allowlist applies to every token in the account, including bearer tokens.
limits-save-allowlist = Save allowlist
limits-lifetime = Token lifetime
limits-at-most = Maximum lifetime in days
limits-no-maximum = No maximum
limits-must-end = Require an expiration date for new API tokens
limits-observe-lifetime = Observe only: reject no tokens, and list those that would be rejected
limits-lifetime-hint = Applies to API tokens created from now on. Existing tokens keep their expiration date. The person who created a token and the account’s owners and administrators are reminded 30 days, 7 days, and 1 day before it expires.
limits-save-lifetime = Save token lifetime
limits-who-sets = Only owners and administrators can change these limits.
setup-title = Set up Keydesk
setup-lead = You’ll be the operator: you create accounts for the customers of your API and decide what each of them can do. You’ll also own a first account, so that you can try the API the way a customer does.
setup-password-hint = Use at least 15 characters. Three or four unrelated words work well. Digits and symbols aren’t required.
sign-up-sent = Check your inbox: we’ve sent a link to { $email }. The link works once and expires in 24 hours. Follow it to create your account.
sign-up-lead = Create an account to get an endpoint URL and tokens. First, we’ll email you a link to verify your address.
sign-up-log-in = Log in instead
signed-up-title = Create { $account }
signed-up-lead = You’ll log in with { $email } and become the account’s owner.
setup-expired = This link is no longer valid
setup-expired-why = The setup link works once and expires after one hour. Restart Keydesk to get a new link, or log in if the account already exists.
limits-rate = { $n } requests per { $seconds } s
invalid-lifetime = Enter a number of days from 1 to 36500, or leave the field empty for no maximum.
sign-up-expired = This link is no longer valid. Sign-up links work once and expire after 24 hours. Sign up again.
account-exists = An account already exists. Log in, or ask its owner for an invitation.
sign-up-again = Sign up again
limits-resets-in =
    { $n ->
        [one] Resets in { $n } day (UTC)
       *[other] Resets in { $n } days (UTC)
    }
cors-title = Browser access (CORS)
cors-danger = Allow web pages to call the API with a token from this account. Only do this if you have no server that can call the API for the page:
cors-danger-visible = Everyone who opens the page can read the token in it and use it from any client. CORS doesn’t hide it.
cors-danger-scopes = Create a separate token for the page, with as few scopes as possible and an expiration date, and rotate it often.
cors-danger-better = Safer: keep the token on your own server, and let the server call the API for the page.
cors-origins = Allowed origins
cors-origins-hint = Enter one origin per line: scheme, host, and port, such as https://app.example.com. Leave empty to use the API provider’s setting. An asterisk (*) allows every origin.
cors-methods = Allowed methods
cors-all-methods = All methods
cors-headers = Allowed request headers
cors-all-headers = All headers
cors-exposed = Response headers that pages can read, in addition to the standard ones
cors-max-age = Preflight cache, in seconds
cors-set = Save browser access
invalid-origin = Enter at most 50 origins, each with a scheme and a host but no path, such as https://app.example.com.
invalid-cors-list = Check the methods, the header names, and the number of seconds (at most 86400).
limits-forecast = At this pace: { $n } requests by the end of the month
limits-exhausted = At this pace, the quota is used up

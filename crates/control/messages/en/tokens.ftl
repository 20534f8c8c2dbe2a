tokens-live-label = Live API tokens
tokens-ended-label = Ended API tokens
token-rotate-title = Rotate “{ $name }”
token-rotate-lead = The token keeps its name, scopes and expiry and gets a new secret, shown once. The old one, <span class="mono">{ $masked }</span>, is refused from that moment, or goes on for a while.
token-revoke-title = Revoke “{ $name }”
token-revoke-lead = The token <span class="mono">{ $masked }</span> is refused from that moment, for good. It stays in the list with the reason.
token-old = The old secret
token-old-none = ends at once
token-old-1h = goes on for an hour
token-old-24h = for 24 hours
token-old-7d = for 7 days
token-earlier = Close it earlier
token-earlier-no = no
token-earlier-1h = after an hour without a call
token-earlier-24h = after 24 hours without one
token-old-hint = While it goes on, its callers are listed on the Tokens page.
token-rotate = Rotate token
token-revoke = Revoke token
token-limits-title = Limits of “{ $name }”
token-limits-lead = <span class="mono">{ $masked }</span> keeps its secret: only what it may do changes. Limits can be tried first, which refuses nothing and lists what would be.
token-limits-object = What limits object to
token-limits-used = What it is used for
token-limits-unused = Nothing yet, as far as the API's document names its operations.
token-limits-operations = Operations that this token was used for
token-limits-smallest = The smallest limits with which all that was not refused passes:
token-limits-fill-in = Put these into the form
token-limits-new = New limits
token-limits-filled = The smallest limits are filled in. Nothing is changed until you press the button.
token-limits-hint = One address or network a line, such as 203.0.113.7 or 2001:db8::/32. Empty: from anywhere.
token-limits-set = Set limits
token-limits-leave = Leave it as it is
token-new-title = Create new token
token-new-lead = For one program. It is shown once and belongs to the account: it lives until it expires, or someone rotates or revokes it.
token-new-example = CRM sync
token-new-no-scopes = The API's document names no scopes, so a token may do everything or be limited by the API itself.
token-new-select-all = Select all
token-new-last-day = After a last day
token-new-last-day-utc = Last day, UTC
token-new-last-day-hint = A last day counts in UTC, to its end.
token-new-create = Create token
token-new-cancel = Cancel
objections-title = What limits object to
objections-lead = Calls of the last 30 days that were refused for what a token may do, or would be once limits that are only observed are in force. A token's name leads to its limits.
objections-days = Last 30 days
objections-nothing = Nothing. Every call was one that its token may make.
objections-back = Back to the tokens
objections-label = Calls that limits object to
objections-why = Why
objections-refused = { $refused } refused
shown-new-secret = “{ $name }” has a new secret
shown-ready = “{ $name }” is ready
shown-old-until = The old secret goes on until { $when }; change the program before.
shown-refused = The old secret is refused from now on: see the <a href="/receipts/{ $number }">receipt</a>.
shown-pending = Not every gateway has confirmed that it refuses the old secret; the <a href="/receipts/{ $number }">receipt</a> says from when on it does.
shown-unwritten = Whether every gateway refuses the old secret already could not be written down; each does within its lease.
shown-once = This is the only time that the token is shown. Store it where the program finds it, and nowhere public.
shown-try = Try it from your server, with the token in <code>$TOKEN</code>: <code class="code-line">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = I have stored it
tokens-title = API tokens
tokens-lead = For programs. They belong to the account, not to a person: no password change, log-out or removal ends them.
tokens-create = Create new token
tokens-live = Live
tokens-none = No API token yet. Create one for each program, so that each can be rotated without touching the others.
tokens-old = Old secrets that go on
tokens-old-label = Old secrets of rotated tokens
tokens-until = Until
tokens-quiet = or { $quiet } without a call
tokens-not-since = not since the rotation
tokens-close = Close now
tokens-old-hint = Who still calls with an old secret is listed under <a href="/tokens/objections">objections</a>, and told so in the answer's <code>Deprecation</code> and <code>Sunset</code>.
tokens-links = What limits refused or would refuse in the last 30 days: <a href="/tokens/objections">objections</a>. Plan and addresses of the whole account: <a href="/limits">account limits</a>.
tokens-ended = Ended
tokens-receipts = Which gateways refused a token, and when, is on <a href="/receipts">Receipts</a>.
tokens-by = by { $made_by }
tokens-limits = Limits
tokens-limits-of = of { $name }
tokens-rotate = Rotate
tokens-revoke = Revoke
tokens-of = { $name }
scope-everything = everything
former-member = a former member
program-from = { $program } from { $address }
token-created = Token created
rotate-api-token = Rotate API token
revoke-api-token = Revoke API token
version-wrong = version is a whole number, or left out
scope-needed = A token needs at least one scope.
why-scope = refused: lacks the scope
why-scope-yet = would be refused: lacks the scope
why-trial-scope = would be refused by the scopes on trial
why-address = refused: from another address
why-trial-address = would be refused by the addresses on trial
why-rate = refused: too many calls at a time
why-rate-yet = would be refused: too many calls at a time
why-quota = refused: the month's calls were used up
why-old-secret = uses the old secret of a rotated token
why-quota-yet = would be refused: the month's calls were used up
objections-short = Objections
scope-or-everything = choose at least one scope, or “everything”
too-many-tokens = this account has { $most } live API tokens; revoke some first
no-such-token = there is no such token
token-has-ended = the token has ended already; create a new one
too-many-old = { $most } old secrets of this token go on already; close them, or rotate without overlap
nothing-old = no old secret of this token goes on any more
token-changed = someone has rotated this token since you opened the page; look at it again
token-repeated = this form was sent already, and “{ $name }” was created and its secret shown then; if you did not see it, rotate the token on the Tokens page
already-created = Already created
go-to-tokens = Go to Tokens
lives-never = Never
lives-30d = 30 days
lives-60d = 60 days
lives-90d = 90 days
lives-180d = 180 days
lives-365d = A year
lives-at-most =
    { $n ->
        [one] Tokens of this account may live for one day at most.
       *[other] Tokens of this account may live for { $n } days at most.
    }
must-have-end = Tokens of this account must have an end.
choose-day = choose the last day, or one of the other spans
choose-one = choose a span or a last day, not both
over-expired = expired
over-rotated = rotated
over-revoked = revoked
over-password_changed = password changed
over-password_reset = password reset
over-logged_out_everywhere = logged out everywhere
over-member_removed = member removed
over-role_changed = role changed
over-account_closed = account closed

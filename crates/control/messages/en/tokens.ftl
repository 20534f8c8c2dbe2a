tokens-active-label = Active API tokens
tokens-inactive-label = Inactive API tokens
token-rotate-title = Rotate “{ $name }”
token-rotate-lead = The token keeps its name, scopes, and expiration date and gets a new secret, which is shown once. The current secret, <span class="mono">{ $masked }</span>, stops working immediately or after a grace period.
token-revoke-title = Revoke “{ $name }”
token-revoke-lead = The token <span class="mono">{ $masked }</span> stops working immediately. You can restore it for 24 hours.
grace-period = Grace period for the current secret
grace-period-none = None: revoke it immediately
grace-period-1h = 1 hour
grace-period-24h = 24 hours
grace-period-7d = 7 days
idle-period = End the grace period early
idle-period-none = Never
idle-period-1h = After 1 hour without requests
idle-period-24h = After 24 hours without requests
grace-period-hint = During the grace period, clients that still use the previous secret are listed on the Tokens page.
token-rotate = Rotate token
token-revoke = Revoke token
token-limits-title = Limits for “{ $name }”
token-limits-lead = Changing limits doesn’t change the secret of <span class="mono">{ $masked }</span>. You can observe new limits first: nothing is rejected, and requests that would be rejected are listed.
token-limits-violations = Violations
token-limits-used = Usage
token-limits-unused = No requests yet to operations listed in the API’s OpenAPI document.
token-limits-operations = Operations this token was used for
token-limits-suggested = Suggested limits (the narrowest that still allow every request that wasn’t rejected):
token-limits-fill-in = Use suggested limits
token-limits-new = New limits
token-limits-filled = The suggested limits are filled in. Nothing changes until you save.
token-limits-widened = The change is filled in. Nothing changes until you save.
token-limits-hint = Enter one IP address or CIDR range per line, such as 203.0.113.7 or 2001:db8::/32. Leave empty to allow any IP address.
token-limits-set = Save limits
token-new-title = Create new token
token-new-lead = Create one token for each integration. It’s shown once and belongs to the account. It works until it expires or someone rotates or revokes it.
token-new-example = CRM sync
token-new-no-scopes = The API’s OpenAPI document defines no scopes, so tokens have full access unless the API itself restricts them.
token-new-select-all = Select all
token-new-last-day = On a specific date
token-new-last-day-utc = Expiration date (UTC)
token-new-last-day-hint = The token works until the end of that day, UTC.
token-new-create = Create token
token-new-cancel = Cancel
violations-title = Limit violations
violations-lead = Requests from the last 30 days that exceeded a token’s limits. They were rejected, or would be rejected if an observed limit were enforced. Select a token to see its limits.
violations-days = Last 30 days
violations-none = No violations. Every request was within its token’s limits.
violations-label = Requests that violate limits
violations-reason = Reason
violations-rejected = { $rejected } rejected
shown-new-secret = New secret for “{ $name }”
shown-ready = “{ $name }” is ready
shown-valid-until = The previous secret stops working { $when }. Update the integration before then.
shown-rejected = The previous secret no longer works. See the <a href="/receipts/{ $number }">receipt</a>.
shown-pending = Not every gateway has confirmed that it rejects the previous secret. The <a href="/receipts/{ $number }">receipt</a> shows when all of them will.
shown-unwritten = We couldn’t record whether every gateway already rejects the previous secret. Each gateway will do so before its lease expires.
shown-once = Copy the token now: you won’t be able to see it again. Store it where only your integration can read it.
shown-try = Try it from your server, with the token in <code>$TOKEN</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = I’ve saved the token
tokens-title = API tokens
tokens-lead = For integrations. API tokens belong to the account, not to a person: they keep working when someone changes their password, logs out, or leaves.
tokens-create = Create new token
tokens-active = Active
tokens-none = No API tokens yet. Create one for each integration, so that you can rotate each one without affecting the others.
tokens-none-found = No matching tokens.
tokens-none-inactive = No inactive tokens.
tokens-search = Token name, or the last characters of a token
tokens-show-active = Show active tokens
tokens-show-inactive = Show inactive tokens
tokens-previous-secrets = Previous secrets in grace period
tokens-previous-secrets-label = Previous secrets of rotated tokens
tokens-until = Valid until
tokens-idle = or after { $idle } without requests
tokens-not-since = Not since rotation
tokens-revoke-previous = Revoke now
tokens-previous-secrets-hint = Clients that still use a previous secret are listed under <a href="/tokens/violations">Violations</a>. Responses to them include the <code>Deprecation</code> and <code>Sunset</code> headers.
tokens-inactive = Inactive
tokens-by = by { $made_by }
tokens-limits = Limits
tokens-limits-of = of { $name }
tokens-rotate = Rotate
tokens-revoke = Revoke
tokens-of = { $name }
former-member = a former member
client-from = { $client } from { $address }
token-created = Token created
rotate-api-token = Rotate API token
revoke-api-token = Revoke API token
invalid-version = The version must be a whole number or left out.
violation-scope = Rejected: missing scope
violation-scope-observed = Would be rejected: missing scope
violation-observed-scope = Would be rejected: not in the observed scopes
violation-ip = Rejected: IP address not allowed
violation-observed-ip = Would be rejected: not in the observed IP allowlist
violation-rate = Rejected: rate limit exceeded
violation-rate-observed = Would be rejected: rate limit exceeded
violation-quota = Rejected: monthly quota exceeded
violation-previous-secret = Used the previous secret of a rotated token
violation-quota-observed = Would be rejected: monthly quota exceeded
violations-short = Violations
missing-scope = Select at least one scope, or “Full access”.
too-many-tokens = This account already has { $most } active API tokens. Revoke some first.
token-inactive = This token is no longer active. Create a new one.
too-many-previous-secrets = This token already has { $most } previous secrets in their grace period. Revoke them, or rotate without a grace period.
no-previous-secrets = This token no longer has any previous secrets in their grace period.
token-changed = Someone rotated this token after you opened the page. Reload the page and try again.
token-already-created-why = This form was already submitted: “{ $name }” was created and its secret was shown then. If you didn’t see it, rotate the token on the Tokens page.
token-already-created = Already created
go-to-tokens = Go to Tokens
expires-never = Never
expires-30d = In 30 days
expires-60d = In 60 days
expires-90d = In 90 days
expires-180d = In 180 days
expires-365d = In 1 year
expires-at-most =
    { $n ->
        [one] Tokens in this account can be valid for at most one day.
       *[other] Tokens in this account can be valid for at most { $n } days.
    }
must-expire = Tokens in this account must expire.
missing-expiry-date = Choose an expiration date, or one of the other options.
ambiguous-expiry = Choose either one of the options or a specific date, not both.
inactive-expired = Expired
inactive-rotated = Rotated
inactive-revoked = Revoked
inactive-password_changed = Password changed
inactive-password_reset = Password reset
inactive-logged_out_of_all_sessions = Logged out of all sessions
inactive-member_removed = Member removed
inactive-role_changed = Role changed
inactive-account_closed = Account closed
token-pages = Token pages
idle-period-too-long = The time without requests must be shorter than the grace period.
tokens-inactive-since = Inactive since
token-new-observed = Scopes are in observe mode: the gateway doesn’t reject requests for missing scopes until the API provider enforces them.
token-unused = No requests in the last 30 days.
token-see-usage = See usage in detail
token-clients = Clients
token-left-behind = Clients that still use a revoked secret
token-failed = Failed requests
token-failed-none = No failed requests in the log.
token-see-failed = See all failed requests
token-changes = Changes
token-see-changes = See all changes in the audit log
token-facts = Facts
token-see-observed = See the observed limits
token-id = Token ID
token-change-limits = Change limits or name
token-replace = Create replacement
tokens-no-requests = No requests
expires-on = { $span } ({ $day })
token-limits-enforce = Enforce limits
limits-consequences = In the last 30 days, these clients sent requests that the new limits would reject. Such requests are rejected as soon as you save.
inactive-paused = Paused
tokens-show = Show
tokens-show-all = All
tokens-show-unused = Unused for 90 days
tokens-show-expiring = Expiring within 30 days
tokens-show-full_access = Full access
tokens-show-never_expiring = Without an expiration date
tokens-creator = Created by
tokens-any-creator = Anyone
tokens-sort = Sort by
tokens-sort-created = Newest first
tokens-sort-name = Name
tokens-sort-last_used = Least recently used
tokens-sort-expires = Expiration date
tokens-select = Select { $name }
tokens-revoke-selected = Revoke selected tokens
tokens-revoke-several = Revoke API tokens
tokens-revoke-several-title = Revoke { $n ->
    [one] { $n } API token
   *[other] { $n } API tokens
 }
tokens-revoke-several-button = Revoke { $n ->
    [one] { $n } token
   *[other] { $n } tokens
 }
tokens-revoke-several-lead = These tokens stop working immediately, at every gateway. For 24 hours, you can restore each of them.
done-tokens_revoked = Tokens revoked. You can restore each of them for 24 hours.
no-tokens-selected = Select 1 to { $most } active API tokens.
mail-tokens-revoked-subject = { $n } API tokens in { $account } were revoked
mail-tokens-revoked =
    These API tokens in { $account } were revoked and no longer work:

    { $names }

    If this was a mistake, you can restore each of them until { $until }:
    { $console }/tokens
done-no_tokens_selected = Select the tokens that you want to revoke.
token-note = Note
token-note-example = Where it is used, and whom to ask
token-note-save = Save note
token-new-summary = Summary

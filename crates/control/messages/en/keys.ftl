keys-title = Management keys
keys-lead = For programs that manage this account through the management API. A management key doesn’t give access to the API itself: use an API token for that.
keys-search = Find a key by name or by the end of its secret
keys-api-url = Management API URL
keys-reference = API reference
keys-none = No management keys yet.
keys-none-found = No management key matches.
keys-acts-as = acts as { $name }
keys-previous-until = The previous secret works until
keys-take-over = Take over
management-key = Management key
key-created = Management key created
key-new-title = Create management key
key-new-lead = Give each program its own key, with only the scopes it needs. The key acts as you: it never does more than you may do, and it’s revoked when you leave the account.
key-new-example = Terraform
key-new-create = Create management key
key-new-expiry-hint = { $n ->
    [one] The maximum lifetime is { $n } day. The key works until the end of its last day, UTC.
   *[other] The maximum lifetime is { $n } days. The key works until the end of its last day, UTC.
 }
key-shown-once = Copy the management key now: you won’t be able to see it again. Store it where only your program can read it.
key-shown-try = Try it, with the key in <code>$KEYDESK_KEY</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $KEYDESK_KEY" { $url }/key</code>
key-stored = I’ve saved the key
key-rotate = Rotate key
key-rotate-lead = The key keeps its name, scopes, and expiration date and gets a new secret, which is shown once. The current secret, <span class="mono">{ $masked }</span>, stops working immediately or after a grace period.
key-revoke = Revoke key
key-revoke-lead = The key <span class="mono">{ $masked }</span> stops working immediately and permanently. It stays in the list.
key-scope-tokens-read = See API tokens, without their secrets
key-scope-tokens-write = Create, limit, rotate, and revoke API tokens
key-scope-limits-read = See limits, the plan, and what operations require
key-scope-limits-write = Change the limits of the account
key-scope-usage-read = See clients and limit violations
key-scope-receipts-read = Read receipts
key-scope-members-read = See members
key-scope-members-write = Invite members, change their roles, remove them, and log them out
key-scope-audit-read = Read and export the audit log
key-scope-sso-write = Set up single sign-on
key-scope-keys-read = See management keys, without their secrets
key-scope-keys-write = Create, rotate, and revoke management keys
key-scope-accounts-read = See accounts
key-scope-accounts-write = Open, suspend, close, and restore accounts, change their plans, and invite owners
key-scope-instance-read = See plans, operations, gateways, and operators
too-many-keys = You can have at most { $most } active management keys. Revoke one you don’t need.
invalid-key-scope = Choose scopes from the list, such as tokens:read.
scope-not-grantable = You can’t grant the scope { $scope }: a key never does more than the role, operator, or key that creates it.
key-inactive = This management key has expired or was revoked
key-inactive-why = Nothing has changed. Create a new key if the program still needs one.
key-changed = This management key has changed
key-changed-why = It was rotated after you opened this page. Nothing has changed. Open the list again.
key-is-yours = This management key already acts as you
key-is-yours-why = Nothing has changed.
scope-required = This management key lacks a scope
scope-required-why = The request requires the scope { $scope }. Create a key that has it.
session-required = Log in to the console for this
session-required-why = Management keys can’t do this. Log in to the console.
invalid-management-key = This management key isn’t valid
invalid-management-key-why = The key is unknown, has expired, or was revoked. API tokens and bearer tokens don’t work here: send a management key, which looks like kd_m_….
ip-not-allowed = This IP address isn’t allowed
ip-not-allowed-why = The management key’s IP allowlist doesn’t include { $address }.
request-repeated = This request was already made
request-repeated-why = A request with this Idempotency-Key has been carried out.
invalid-expiry-time = Enter an RFC 3339 time, such as 2027-06-30T00:00:00Z.
invalid-digest = Send the SHA-256 of the secret as 64 lowercase hexadecimal digits.
invalid-masked-secret = Send the masked secret, such as kd_a_••••••••3fQ9. “keydesk token make” prints it.
secret-taken = This secret can’t be used
secret-taken-why = Its digest is or was that of another token. Make a new secret.
errors-management = Errors of the management API

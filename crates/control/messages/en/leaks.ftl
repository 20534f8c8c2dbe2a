report-leak-title = Report a leaked token
report-leak-lead = Have you found a token of this service where it doesn’t belong, for example in a public repository, a log, or a chat? Report it here. If the token still works, it’s revoked immediately, and the people responsible for it are notified. You don’t need an account.
report-leak-secret = What you found
report-leak-secret-hint = Paste the token, the text that contains it, or the token’s SHA-256 digest in hexadecimal.
report-leak-url = Where you found it (optional)
report-leak-send = Report
report-leak-sent = Thank you. If your report contains working tokens of this service, they no longer work.
report-leak-another = Report another one
no-token-in-report = This contains no complete token of this service. Paste the whole token.
too-many-tokens-in-report = Report at most { $most } tokens at a time.
too-many-reports-why = There were too many reports from your network. Try again in { $span }.
too-many-reports = Too many reports
inactive-leaked = Leaked
event-token-leaked = Leaked token revoked
event-management_key-leaked = Leaked management key revoked
event-canary-leaked = Canary token found
leak-reporter-github = GitHub secret scanning
leak-reporter-gitlab = GitLab secret detection
leak-reporter-report_form = someone, on the page “Report a leaked token”
leak-reporter-scan = someone who checked the token’s digest
mail-token-leaked-subject = Alert: token “{ $name }” in { $account } has leaked and was revoked
mail-token-leaked =
    The token “{ $name }” in { $account } was found where others can read it. Keydesk revoked it permanently.

    Reported by: { $reporter }
    Found at: { $location }
    { $rejected }

    { $used }
    Clients of this token: { $clients }

    { $next }

    See which operations the token was used for:
    { $uses }
mail-secret-leaked-subject = Alert: a leaked secret of token “{ $name }” in { $account } was revoked
mail-secret-leaked =
    A secret of the token “{ $name }” in { $account } was found where others can read it. Keydesk revoked this secret.

    Reported by: { $reporter }
    Found at: { $location }
    { $rejected }

    { $used }
    Clients of this token: { $clients }

    { $next }

    See which operations the token was used for:
    { $uses }
mail-leaked-since =
    Rejected by every gateway as of: { $at }
    Receipt: { $receipt }
mail-leaked-rejected = Each gateway rejects it as soon as it learns of the change, or when its lease expires.
mail-leaked-no-clients = none in the last 30 days
mail-leaked-more = { $names }, and { $more } more
mail-leaked-location-in-audit = unverified; see the audit log
mail-leaked-no-location = not reported
mail-leaked-instance = this Keydesk instance
mail-leaked-successor =
    Create a replacement with the same name, scopes, lifetime, and IP allowlist, and update these clients:
    { $link }
mail-leaked-bearer =
    The member already has a new bearer token. Update these clients with it:
    { $link }
mail-leaked-previous = Only the previous secret leaked. The token’s current secret keeps working. Update the clients that still use the previous one.
mail-key-leaked-subject = Alert: management key “{ $name }” has leaked and was revoked
mail-key-leaked =
    The management key “{ $name }” of { $account } was found where others can read it. Keydesk revoked it.

    Reported by: { $reporter }
    Found at: { $location }

    { $used }

    Check what it was used for in the audit log, and create a new key:
    { $link }
mail-canary-leaked-subject = Alert: canary token “{ $name }” was found
mail-canary-leaked =
    Someone found the canary token “{ $name }”. The token never works, but the person who found it has read the place where you left it.

    Reported by: { $reporter }
    Found at: { $location }
    Reported from: { $from }

    Find out who can read that place, and rotate the real tokens that are stored there.
    { $console }/canaries
token-new-successor = Replacement for “{ $name }”. The name, scopes, IP allowlist, and lifetime are copied from it.
token-new-same-lifetime = { $n ->
    [one] In { $n } day, as before
   *[other] In { $n } days, as before
}
tokens-replace = Create replacement

report-leak-title = Report a leaked token
report-leak-lead = Have you found a token of this service where it doesn’t belong, for example in a public repository, a log, or a chat? Report it here. If the token still works, it’s revoked immediately, and its owners are notified. You don’t need an account.
report-leak-secret = What you found
report-leak-secret-hint = Paste the token, the text that contains it, or the token’s SHA-256 digest in hexadecimal.
report-leak-url = Where you found it (optional)
report-leak-send = Report
report-leak-sent = Thank you. Every token of this service in your report is revoked now.
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
leak-reporter-report_form = somebody on the page for leaked tokens
leak-reporter-scan = a check of the token’s digest
mail-token-leaked-subject = Alert: token “{ $name }” in { $account } has leaked and was revoked
mail-token-leaked =
    The token “{ $name }” of the account { $account } was found where others can read it. Keydesk revoked it.

    Reported by: { $reporter }
    Found at: { $location }
    { $rejected }

    { $used }
    Clients that stop working: { $clients }

    { $next }

    Check what the token was used for: { $console }/audit
mail-leaked-since =
    Rejected by every gateway since: { $at }
    Receipt: { $receipt }
mail-leaked-rejected = Gateways reject it now.
mail-leaked-no-clients = none in the last 30 days
mail-leaked-more = { $names }, and { $more } more
mail-leaked-location-in-audit = unverified; see the audit log
mail-leaked-no-location = not reported
mail-leaked-instance = this Keydesk instance
mail-leaked-successor =
    Create its successor with the same name, scopes, and limits, and update these clients:
    { $link }
mail-leaked-bearer =
    The member has a new bearer token already. Update these clients with it:
    { $link }
mail-leaked-previous = Only the previous secret leaked. The token’s current secret works on, so update the clients that still use the previous one.
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
    Somebody found the canary token “{ $name }”. The token never works, but they have read the place where you left it.

    Reported by: { $reporter }
    Found at: { $location }
    Reported from: { $from }

    Find out who can read that place, and rotate the real tokens that are stored there.
    { $console }/canaries
token-new-successor = Successor of “{ $name }”. Its name, scopes, and lifetime are filled in.
token-new-successor-ips = It accepts requests only from the same IP addresses: { $networks }.
token-new-same-lifetime = The same as before ({ $n } days)

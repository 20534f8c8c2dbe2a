alerts-title = Alerts
alerts-lead = Keydesk watches how your tokens are used, and tells you when something is unusual.
alerts-recent = Recent alerts
alerts-none = No alerts yet.
alerts-mail = Emails
alerts-kinds = Send an email for
alert-kind-error_spike = Error spikes
alert-hint-error_spike = At least 20 requests of a token, and one in ten, fail within two hours: three times as many as usual.
alert-kind-silence = Silent tokens
alert-hint-silence = A token that is used regularly hasn’t been used for at least 6 hours in which it usually is.
alert-kind-quota = Monthly quota
alert-hint-quota = 80 or 100 percent of the quota is used.
alert-kind-previous_secret = Previous secrets
alert-hint-previous_secret = Clients still use the previous secret of a rotated token when a quarter of its grace period is left.
alerts-quiet = Quiet hours
alerts-zone = Time zone
alerts-quiet-hint = Alerts in this time are sent when it ends. Leave empty to get them immediately.
alerts-others = Alerts about <a href="/limits#unfamiliar-use">unfamiliar clients</a> are set with the account limits. Reminders of expiring tokens are always sent. <a href="/webhooks">Webhooks</a> receive all alerts immediately.
alerts-save = Save alerts
usage-pages = Usage pages
done-alerts_saved = Alerts saved.
invalid-quiet-time = Enter both times of the quiet hours, such as 22:00 and 07:00.
invalid-time-zone = Enter the name of a time zone, such as Europe/Berlin.
event-token-error_spike = Error spike
event-token-silent = Token silent
event-token-previous_secret_used = Previous secret still used
event-token-alerts_changed = Alerts of a token changed
event-account-alerts_changed = Alerts changed
interval-seconds = { $n ->
    [one] second
   *[other] { $n } seconds
}
interval-minutes = { $n ->
    [one] minute
   *[other] { $n } minutes
}
interval-hours = { $n ->
    [one] hour
   *[other] { $n } hours
}
mail-error-spike-subject = Alert: requests with “{ $token }” fail
mail-error-spike =
    { $errors } of { $requests } requests with the token “{ $token }” in { $account } have failed since { $since }. Usually, { $usual }% fail.

    See which requests fail:
    { $link }

    Choose the alerts that you get:
    { $settings }
mail-silence-subject = Alert: “{ $token }” is no longer used
mail-silence =
    The token “{ $token }” in { $account } has not been used since { $last }. While it is in use, there is usually a request every { $interval }.

    Check whether its clients still run:
    { $link }

    Choose the alerts that you get:
    { $settings }
mail-previous-secret-subject = Alert: previous secret of “{ $token }” is still used
mail-previous-secret =
    The previous secret of the token “{ $token }” in { $account } stops working on { $until }. These clients still use it: { $clients }.

    Last use: { $last }

    Give them the new secret before then. See the token:
    { $link }

    Choose the alerts that you get:
    { $settings }
mail-quota-subject = Alert: { $percent }% of the quota of { $account } is used
mail-quota =
    { $account } has used { $requests } of { $quota } requests of this month’s quota: { $percent }%. Requests over the quota are rejected until the month ends.

    See the limits of the account:
    { $link }

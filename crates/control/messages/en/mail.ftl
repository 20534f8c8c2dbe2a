mail-title = Local mailbox
mail-lead = No mail server is configured and both listeners are on loopback, so email is kept here, in memory, until Keydesk stops.
mail-none = No email yet. Invite a member or request a password reset to see one.
mail-to = To { $to }
mail-box = Mailbox
mail-the-api = the API
mail-invitation-subject = { $by } invited you to join { $account }
mail-invitation =
    { $by } invited you to use { $api } as a member of the account { $account }, with the { $role } role.

    To accept, follow this link within 7 days:

    { $link }

    If you don't know { $by }, you can ignore this email. The invitation expires on its own.
mail-first-owner-subject = { $by } invited you to use { $api }
mail-first-owner =
    { $by } invited you to use { $api } and created the account { $account } for you. You'll be its owner.

    To accept, follow this link within 7 days:

    { $link }

    If you don't know { $by }, you can ignore this email. The invitation expires on its own.
mail-reset-subject = Reset your password
mail-reset =
    We received a request to reset the password for this email address.

    To choose a new password, follow this link within one hour:

    { $link }

    When you set a new password, your bearer token stops working and all your sessions are logged out. API tokens aren't affected.

    If you didn't request this, you can ignore this email. Nothing has changed.
mail-password-changed-subject = Your password was changed
mail-password-changed =
    The password for this email address was changed, and your previous bearer token no longer works. You'll find your new bearer token at:

    { $console }/api-docs

    If you didn't do this, reset your password at { $console }/forgot-password and tell an administrator.
mail-password-reset-subject = Your password was changed
mail-password-reset =
    The password for this email address was changed. Your bearer token was revoked, and the new one is on

    { $console }/api-docs

    These passkeys can still log in without a password: { $passkeys }. Remove any you don't recognize at

    { $console }/passkeys

    If you didn't do this, reset your password at { $console }/forgot-password and tell an administrator.
mail-logged-out-subject = { $by } logged you out of all sessions
mail-logged-out =
    { $by }, an administrator of { $account }, logged you out of all your sessions in that account. Your previous bearer token no longer works. To get the new one, log in again:

    { $console }/api-docs
mail-new-device-subject = New login from an unrecognized browser
mail-new-device =
    Someone, probably you, logged in with { $client } at { $at }. That browser hasn't been used to log in before.

    If this wasn't you, change your password now and log out of that session:

    { $console }/profile
    { $console }/sessions
mail-email-change-old-subject = Confirm the change of your email address
mail-email-change-old =
    Someone who knows your password asked to change your login email address to { $email }.

    To confirm or cancel the change, follow this link within 24 hours:

    { $link }

    Nothing changes unless you confirm.
mail-email-change-new-subject = Confirm your new email address
mail-email-change-new =
    Someone who currently logs in with { $email } asked to use this address instead.

    If this was you, follow this link within 24 hours:

    { $link }

    If it wasn't, you can ignore this email.
mail-email-changed-subject = Your email address was changed
mail-email-changed =
    You now log in with { $email }. Both addresses confirmed the change.

    If you didn't do this, contact the API provider.
mail-login-exists-subject = You already have a login here
mail-login-exists =
    Someone entered this email address, which already belongs to a login. Nothing has changed.

    To log in, go to { $console }/login. To choose a new password, go to { $console }/forgot-password.
mail-sign-up-subject = Create your account { $account }
mail-sign-up =
    We received a request to create the account { $account } with this email address.

    To choose a password and create the account, follow this link within 24 hours:

    { $link }

    If you didn't request this, you can ignore this email.
mail-factor-added-subject = Two-factor authentication is on
mail-factor-added =
    Logging in with this email address now requires a code from your authenticator app.

    If you didn't set this up, reset your password at { $console }/forgot-password and contact the API provider.
mail-factor-removed-subject = Two-factor authentication is off
mail-factor-removed =
    Logging in with this email address now requires only the password.

    If you didn't do this, change your password at { $console }/profile, turn two-factor authentication back on at { $console }/two-factor, and contact the API provider.
mail-code-used-subject = A recovery code was used
mail-code-used =
    { $left ->
        [one] Someone, probably you, logged in with a recovery code. You have { $left } code left.
       *[other] Someone, probably you, logged in with a recovery code. You have { $left } codes left.
    }

    If you've lost your authenticator app, set up a new one:

    { $console }/two-factor

    If this wasn't you, change your password at { $console }/profile and log out of the session at { $console }/sessions.
mail-codes-renewed-subject = New recovery codes were generated
mail-codes-renewed =
    New recovery codes were generated for your two-factor authentication at { $console }. The previous codes no longer work.

    If you didn't do this, change your password at { $console }/profile, then generate new codes at { $console }/two-factor.
mail-expiring-subject = API token "{ $name }" in { $account } expires soon
mail-expiring =
    The API token "{ $name }" in the account { $account } expires at { $ends }. After that, every request that uses it is rejected.

    { $used }

    Create a replacement before then, and update the integration:

    { $console }/tokens/new
mail-account-open-subject = Your account { $account } is active
mail-account-open =
    The account { $account } is active again, and its tokens work as before.

    If you didn't expect this, contact the API provider.
mail-account-suspended-subject = Your account { $account } was suspended
mail-account-suspended =
    The API provider suspended the account { $account }. Until it's restored, every request with one of its tokens is rejected with status 403.

    If you didn't expect this, contact the API provider.
mail-account-closed-subject = Your account { $account } was closed
mail-account-closed =
    The API provider closed the account { $account }. Its tokens no longer work. The API provider can restore the account for 30 days.

    If you didn't expect this, contact the API provider.
mail-removed-subject = You were removed from { $account }
mail-removed = You were removed from the account { $account }. Your bearer token for that account no longer works.
mail-never-used = It has never been used.
mail-last-used = It was last used at { $at }.
mail-some-browser = a browser
mail-passkey-added-subject = A passkey was added
mail-passkey-added =
    A new passkey can now be used to log in with this email address.

    If you didn't add it, remove it at { $console }/passkeys, change your password at { $console }/profile, and contact the API provider.
mail-one-factor-removed-subject = A two-factor authentication method was removed
mail-one-factor-removed =
    One of your two-factor authentication methods was removed. You still have another one, and it's still required when you log in.

    If you didn't do this, change your password at { $console }/profile, check { $console }/two-factor and { $console }/passkeys, and contact the API provider.
mail-rotated-by-client-subject = Token "{ $name }" was rotated by a client
mail-rotated-by-client =
    A client that uses the token "{ $name }" of the account { $account } rotated it. The request came from
    { $from }.

    Clients that use the previous secret must be updated. If you didn't expect this, someone else may have the token. Revoke it at
    { $console }/tokens
mail-test-subject = Test email from Keydesk
mail-test = This is a test email from { $console }. Email delivery works.
mail-another-owner-subject = A new owner was invited to { $account }
mail-another-owner =
    The API provider's operator { $by } invited { $email } to { $account } as an owner.

    If you don't want this, contact the API provider, or revoke the invitation:

    { $console }/members

mail-title = Mailbox of this machine
mail-lead = No mail server is configured and both listeners are on loopback, so mail lands here, in memory, until Keydesk stops.
mail-none = No mail yet. Invite a member, or ask for a new password.
mail-to = To { $to }
mail-box = Mailbox
mail-the-api = the API
mail-invitation-subject = { $by } at { $account } invites you to use { $api }
mail-invitation =
    { $by } at { $account } invites you to use { $api }, with the role { $role }.

    Follow this link within 7 days to accept:

    { $link }

    If you do not know { $by }, do nothing: the invitation ends by itself.
mail-first-owner-subject = { $by } invites you to use { $api }
mail-first-owner =
    { $by } invites you to use { $api } and has opened the account { $account } for you. You are its owner.

    Follow this link within 7 days to accept:

    { $link }

    If you do not know { $by }, do nothing: the invitation ends by itself.
mail-reset-subject = Reset your password
mail-reset =
    Someone, probably you, asked to reset the password of this address.

    Follow this link within an hour to choose a new one:

    { $link }

    With the new password your bearer token ends, and all sessions are logged out. API tokens live on.

    If it was not you, do nothing: nothing has changed.
mail-password-changed-subject = Your password was changed
mail-password-changed =
    The password of this address was changed. Your bearer token ended with it; the new one stands on

    { $console }/api-docs

    If it was not you, reset the password at { $console }/forgot-password and tell an administrator.
mail-password-reset-subject = Your password was changed
mail-password-reset =
    The password of this address was changed. Your bearer token ended with it; the new one stands on

    { $console }/api-docs

    These passkeys still log in without a password: { $passkeys }. Remove those that you do not know at

    { $console }/passkeys

    If it was not you, reset the password at { $console }/forgot-password and tell an administrator.
mail-logged-out-subject = You were logged out from all sessions by { $by }
mail-logged-out =
    { $by }, who administers { $account }, has logged you out from all active sessions there. Your bearer token ended with it; log in again to find the new one:

    { $console }/api-docs
mail-new-device-subject = A new browser has logged in
mail-new-device =
    Someone, probably you, has logged in with { $program } at { $at }. It was not used for that before.

    If it was not you, change your password now and end that session:

    { $console }/profile
    { $console }/sessions
mail-email-leaves-subject = Another e-mail address is to take this one's place
mail-email-leaves =
    Somebody who knows your password, probably you, wants to log in with { $email } from now on.

    Follow this link within a day to confirm it, or to stop it:

    { $link }

    Without your confirmation nothing changes.
mail-email-arrives-subject = Confirm your new e-mail address
mail-email-arrives =
    Somebody who logs in with { $email } until now wants to use this address instead.

    If that is you, follow this link within a day:

    { $link }

    If not, do nothing.
mail-email-changed-subject = Your e-mail address was changed
mail-email-changed =
    From now on you log in with { $email }. Both addresses have confirmed it.

    If it was not you, tell the operator.
mail-address-in-use-subject = You have a log-in here already
mail-address-in-use =
    Somebody, perhaps you, has given this address, which belongs to a log-in already. Nothing was changed.

    Log in at { $console }/login, or choose a new password at { $console }/forgot-password.
mail-sign-up-subject = Open your account { $account }
mail-sign-up =
    Somebody, probably you, wants to open the account { $account } with this address.

    Follow this link within a day to choose a password and open it:

    { $link }

    If it was not you, do nothing.
mail-factor-added-subject = Your second factor is on
mail-factor-added =
    From now on logging in with this address asks for a code of your authenticator app.

    If it was not you who set it up, reset your password at { $console }/forgot-password and tell the operator.
mail-factor-removed-subject = Your second factor was removed
mail-factor-removed =
    From now on the password alone logs in with this address.

    If it was not you, change your password at { $console }/profile, set a second factor up again at { $console }/second-factor, and tell the operator.
mail-code-used-subject = A recovery code was used
mail-code-used =
    { $left ->
        [one] Someone, probably you, has logged in with a recovery code; { $left } is left.
       *[other] Someone, probably you, has logged in with a recovery code; { $left } are left.
    }

    If you have lost your authenticator, set up another one:

    { $console }/second-factor

    If it was not you, change your password at { $console }/profile and end the session at { $console }/sessions.
mail-codes-renewed-subject = New recovery codes were made
mail-codes-renewed =
    New recovery codes were made for your second factor at { $console }; the old ones stopped working.

    If it was not you, change your password at { $console }/profile, then make new codes at { $console }/second-factor.
mail-expiring-subject = The API token “{ $name }” of { $account } ends soon
mail-expiring =
    The API token “{ $name }” of { $account } ends at { $ends }; from then on whatever calls with it is refused.

    { $used }

    Create the next one in time, and give it to the program:

    { $console }/tokens/new
mail-account-open-subject = Your account { $account } is open
mail-account-open =
    The account { $account } is open again: its tokens are served as before.

    Ask the operator of the API if you did not expect this.
mail-account-suspended-subject = Your account { $account } is suspended
mail-account-suspended =
    The account { $account } was suspended by the operator: every call with its tokens is answered 403 until it is restored.

    Ask the operator of the API if you did not expect this.
mail-account-closed-subject = Your account { $account } is closed
mail-account-closed =
    The account { $account } was closed by the operator: its tokens are refused, and for 30 days the operator can restore it.

    Ask the operator of the API if you did not expect this.
mail-removed-subject = You no longer belong to { $account }
mail-removed = You were removed from the account { $account }. The bearer token that you had there has ended.
mail-never-used = It has not been used yet.
mail-last-used = It was used last at { $at }.
mail-some-browser = a browser
mail-passkey-added-subject = A passkey was added
mail-passkey-added =
    From now on a new passkey logs in with this address.

    If it was not you who added it, remove it at { $console }/passkeys, change your password at { $console }/profile and tell the operator.
mail-one-factor-removed-subject = One of your second factors was removed
mail-one-factor-removed =
    One of your second factors was removed; another is asked for still.

    If it was not you, change your password at { $console }/profile, look at { $console }/second-factor and { $console }/passkeys, and tell the operator.

mail-rotated-itself-subject = Token “{ $name }” was rotated by a program
mail-rotated-itself =
    A program that holds the token “{ $name }” of the account { $account } gave it a new secret. The request came from
    { $from }.

    Programs that use the previous secret must be updated. If you didn’t expect this, someone else may have the token: revoke it at
    { $console }/tokens

mail-test-subject = Test mail
mail-test = This is a test mail of { $console }. Mail is set up correctly.
mail-another-owner-subject = An operator invites another owner to { $account }
mail-another-owner =
    The operator { $by } has invited { $email } to { $account } as an owner.

    If that is not what you want, contact the operator, or withdraw the invitation:

    { $console }/members

wrong-account-name = Account name: { $why }
wrong-name = Name: { $why }
wrong-email = Email: { $why }
wrong-password = Password: { $why }
hashing-busy = Too many people are logging in right now. Try again in a few seconds.
throttled-wait = Too many failed attempts. Try again in { $span }.
throttled-logins = Too many logins within one hour. Try again in { $span }.
throttled-sso-logins = Too many single sign-on logins from your network. Try again in { $span }.
throttled-locked = This login is locked after 100 failed attempts in a row. Reset your password by email, or log in from a browser you’ve used before. If two-factor authentication is locked, contact the API provider.
span-seconds =
    { $n ->
        [one] 1 second
       *[other] { $n } seconds
    }
span-minutes =
    { $n ->
        [one] 1 minute
       *[other] { $n } minutes
    }
choose-another = Choose a different password. { $why }
password-too-short = Use at least { $least } characters. Three or four unrelated words work well.
password-too-long = Use at most { $most } characters.
password-common = This password is based on “{ $part }”, one of the first things attackers try.
password-personal = Too much of this password is “{ $part }”, which other people know about you.
email-looks-like = Enter an email address such as ann@example.com.
name-empty = Enter a name.
name-too-long = Use at most 80 characters.
name-unprintable = Use printable characters only.
expiry-unreadable = Enter never, a number of days such as 90d (up to 36500d), or a date such as 2027-06-30.
expiry-past = This date has passed. Choose a later one.
expiry-required = Tokens in this account must expire. Choose an expiration date.
expiry-too-long = Tokens in this account can be valid for at most { $days } days. Choose an earlier expiration date.
scope-looks-like = Scopes look like contacts:read, contacts:*, or *.
scopes-too-many = A token can have at most { $most } scopes. A broad scope such as contacts:* covers many.
address-unreadable = “{ $text }” isn’t a valid IP address or CIDR range. Use a form such as 203.0.113.7, 10.0.0.0/8, or 2001:db8::/32.
addresses-too-many = An IP allowlist can have at most 200 entries.
role-looks-like = The role must be owner, administrator, developer, or viewer.
grace-period-looks-like = The grace period must be none, 1h, 24h, or 7d.
form-unreadable = The form is incomplete or contains unexpected fields. Go back and fill it in again.

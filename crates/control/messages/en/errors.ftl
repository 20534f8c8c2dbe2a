too-many-failed-attempts-why = Too many failed attempts. Try again in { $span }.
too-many-logins-why = Too many logins within one hour. Try again in { $span }.
too-many-sso-logins-why = Too many single sign-on logins from your network. Try again in { $span }.
login-locked-why = This login is locked after 100 failed attempts in a row. Reset your password by email, or log in from a browser you’ve used before. If two-factor authentication is locked, contact the API provider.
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
password-too-short = Use at least { $least } characters. Three or four unrelated words work well.
password-too-long = Use at most { $most } characters.
password-common = This password is based on “{ $part }”, one of the first things attackers try.
password-personal = Too much of this password is “{ $part }”, which other people know about you.
invalid-email = Enter an email address such as ann@example.com.
missing-name = Enter a name.
name-too-long = Use at most 80 characters.
invalid-note = Use at most 500 printable characters.
token-in-text = This contains a token. Leave the token out: others can read this text.
unprintable-name = Use printable characters only.
invalid-expiry = Enter never, a number of days such as 90d (up to 36500d), or a date such as 2027-06-30.
expiry-in-past = This date has passed. Choose a later one.
expiry-required = Tokens in this account must expire. Choose an expiration date.
expiry-too-late = Tokens in this account can be valid for at most { $days } days. Choose an earlier expiration date.
invalid-scope = Scopes look like contacts:read, contacts:*, or *.
too-many-scopes = A token can have at most { $most } scopes. A broad scope such as contacts:* covers many.
invalid-ip-range = “{ $text }” isn’t a valid IP address or CIDR range. Use a form such as 203.0.113.7, 10.0.0.0/8, or 2001:db8::/32.
ip-allowlist-too-long = An IP allowlist can have at most 200 entries.
invalid-role = The role must be owner, administrator, developer, or viewer.
invalid-grace-period = The grace period must be none, 1h, 24h, or 7d.
invalid-form = The form is incomplete or contains unexpected fields. Go back and fill it in again.

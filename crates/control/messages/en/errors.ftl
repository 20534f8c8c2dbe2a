wrong-account-name = Account name: { $why }.
wrong-name = Name: { $why }.
wrong-email = E-mail: { $why }.
wrong-password = Password: { $why }.
hashing-busy = too many people are logging in at this moment; try again in a few seconds
held-wait = Too many wrong tries. Try again in { $span }.
held-log-ins = Too many logins within an hour. Try again in { $span }.
held-sign-ons = Too many logins through single sign-on from your network. Try again in { $span }.
held-locked = A hundred wrong tries in a row: this is locked. Reset the password by mail, or log in from a browser that you have used before; a second factor is the operator's to reset.
span-seconds =
    { $n ->
        [one] a second
       *[other] { $n } seconds
    }
span-minutes =
    { $n ->
        [one] a minute
       *[other] { $n } minutes
    }
choose-another = Choose another one: { $why }.
password-too-short = a password has at least { $least } characters; three or four unrelated words do well
password-too-long = a password has at most { $most } characters
password-common = this password is made of “{ $part }”, which is among the first that attackers try
password-personal = too much of this password is “{ $part }”, which others know about you
email-looks-like = an e-mail address looks like ann@example.com
name-empty = give it a name
name-too-long = a name has at most 80 characters
name-unprintable = a name holds printable characters only
expiry-unreadable = say never, a number of days such as 90d (at most 36500d), or a date such as 2027-06-30
expiry-past = that day is over; choose a later one
expiry-required = tokens must have an end here; choose one
expiry-too-long = tokens may live for { $days } days at most here; choose an earlier end
scope-looks-like = a scope looks like contacts:read, contacts:* or *
scopes-too-many = a token has at most { $most } scopes; a broad one, such as contacts:*, covers many
address-unreadable = “{ $text }” is not an address or network such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32
addresses-too-many = an address list has at most 200 entries
role-looks-like = a role is owner, administrator, developer or viewer
overlap-looks-like = an overlap is none, 1h, 24h or 7d
form-unreadable = The form is not complete, or holds what it does not ask for. Go back and fill it in again.

unfamiliar-title = Unfamiliar clients
unfamiliar-lead = Get an alert when an API token is used by a client that has never used it, from a network that it has never been used from. This is how a stolen token is often used first.
unfamiliar-then = When that happens
unfamiliar-off = Do nothing
unfamiliar-observe = Send an email
unfamiliar-pause = Pause the token and send an email
unfamiliar-hint = A token’s clients are learned for 7 days after its first use. Start with emails only, and pause tokens when the alerts are right. A paused token is restored with one click.
unfamiliar-save = Save
done-unfamiliar_use_saved = Saved. It applies to uses from now on.
event-token-unfamiliar_use = Token used by an unfamiliar client
event-account-unfamiliar_use_changed = Alerts about unfamiliar clients changed
mail-unfamiliar-use-subject = Alert: unfamiliar client uses token “{ $name }” in { $account }
mail-unfamiliar-use =
    The token “{ $name }” in { $account } was used by a client that has never used it, from a network that it has never been used from.

    Client: { $client }
    IP address: { $from }
    First use: { $at }

    If you don’t know this client, revoke the token. You can see what it does at
    { $link }
mail-unfamiliar-use-paused-subject = Alert: token “{ $name }” in { $account } was paused
mail-unfamiliar-use-paused =
    The token “{ $name }” in { $account } was used by a client that has never used it, from a network that it has never been used from. Keydesk paused the token: every request with it is rejected.

    Client: { $client }
    IP address: { $from }
    First use: { $at }

    If you know this client, restore the token. If you don’t, revoke it permanently, and create a new one:
    { $link }

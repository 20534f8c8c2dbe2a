canaries-title = Canary tokens
canaries-lead = A canary token is bait: it looks like an API token but never works. Leave it where nobody should look. If anyone uses it, Keydesk notifies you immediately.
canaries-search = Search by name or token
canaries-none = No canary tokens yet.
canaries-none-found = No canary tokens match.
canary-name = Name
canary-example = Old .env file on the build server
canary-create = Create canary token
canary-uses = Uses
canary-remove = Remove
canary-ready = “{ $name }” is ready
canary-shown-once = Copy one of these and leave it where only an intruder would look: an old configuration file, a CI secret, a private wiki page. The token isn’t shown again.
canary-placed = I’ve placed it
canary-bait-token = Token, for a CI secret or a credential store
canary-bait-env = Lines for an .env file
canary-bait-json = JSON, for a configuration file
canary-bait-curl = Command, for a script or a shell history
too-many-canaries = You can have at most { $most } canary tokens. Remove one that you don’t need.
done-canary_removed = Canary token removed. Its use no longer notifies you.
event-canary-created = Canary token created
event-canary-removed = Canary token removed
event-canary-used = Canary token used
key-scope-canaries-read = See canary tokens
key-scope-canaries-write = Create and remove canary tokens
mail-canary-used-subject = Alert: canary token “{ $name }” was used
mail-canary-used =
    Someone used the canary token “{ $name }”. The token never works, so no request was let through. But they have read the place where you left it.

    Uses: { $uses }
    First: { $at }
    IP address: { $from }
    Client: { $client }
    Request: { $request }

    Find out who can read that place, and rotate the real tokens that are stored there. Further uses are summarized at most every 10 minutes.
    { $console }/canaries

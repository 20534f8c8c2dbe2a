-- What a token may do: the API's operations with the scopes that each asks for, tokens' address lists,
-- limits that are only tried, and what was called and objected to, to tell before what would be refused.

-- Networks between blanks; empty: from anywhere. The observed columns hold limits that refuse nothing yet.
ALTER TABLE token ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN observed_scopes TEXT;
ALTER TABLE token ADD COLUMN observed_addresses TEXT;

-- `body` and `pending` are rules in JSON; what is pending would refuse calls that are made now, and
-- waits for the operator's word.
CREATE TABLE operation_rules (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mode TEXT NOT NULL,
    body TEXT NOT NULL,
    pending TEXT,
    changed_at INTEGER NOT NULL
) STRICT;

-- One row for each day, token, program and operation, with an empty objection for all calls, and one for
-- each objection. `refused` are those of the calls that were not let through.
CREATE TABLE operation_use (
    day INTEGER NOT NULL,
    token_id TEXT NOT NULL REFERENCES token (id),
    program TEXT NOT NULL,
    operation TEXT NOT NULL,
    objection TEXT NOT NULL,
    calls INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, operation, objection, program, day)
) STRICT;

UPDATE head SET needs = 3 WHERE needs < 3;

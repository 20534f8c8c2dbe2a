-- What a token may do: the API's operations with the scopes that each asks for, tokens' address lists,
-- limits that are only tried, and what was called and objected to, to tell before what would be refused.

-- Networks between blanks; empty: from anywhere. The observed columns hold limits that refuse nothing yet.
ALTER TABLE token ADD COLUMN addresses TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN observed_scopes TEXT COLLATE "C";
ALTER TABLE token ADD COLUMN observed_addresses TEXT COLLATE "C";

-- `body` and `pending` are rules in JSON; what is pending would refuse calls that are made now, and
-- waits for the operator's word.
CREATE TABLE operation_rules (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    mode TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    pending TEXT COLLATE "C",
    changed_at BIGINT NOT NULL
);

-- One row for each day, token, program and operation, with an empty objection for all calls, and one for
-- each objection. `refused` are those of the calls that were not let through.
CREATE TABLE operation_use (
    day BIGINT NOT NULL,
    token_id TEXT COLLATE "C" NOT NULL REFERENCES token (id),
    program TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    objection TEXT COLLATE "C" NOT NULL,
    calls BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (token_id, operation, objection, program, day)
);

UPDATE head SET needs = 3 WHERE needs < 3;

-- Which member has set it: what is not confirmed yet goes when they go. Of what was set before, nobody knows.
ALTER TABLE sign_on ADD COLUMN set_by TEXT REFERENCES member (id);

-- The address that a removed member had, for who comes back with it as somebody else.
ALTER TABLE member ADD COLUMN removed_email TEXT;

-- Which member has set it: what is not confirmed yet goes when they go. Of what was set before, nobody knows.
ALTER TABLE sso ADD COLUMN set_by TEXT REFERENCES member (id);

-- The email address of a removed member: single sign-on rejects it, also for another user.
ALTER TABLE member ADD COLUMN removed_email TEXT;

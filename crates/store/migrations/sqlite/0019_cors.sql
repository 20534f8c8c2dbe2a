-- Which web pages may call with the account's tokens, where it has a policy of its own: JSON.
ALTER TABLE account ADD COLUMN cors TEXT;

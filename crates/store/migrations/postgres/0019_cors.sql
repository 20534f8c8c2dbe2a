-- Which web pages may call with the account's tokens, where it has a policy of its own: JSON.
ALTER TABLE account ADD COLUMN cors TEXT;

-- Gateways' users read what they read of an account so far, and this.
DO $$
DECLARE
    reader TEXT;
BEGIN
    FOR reader IN SELECT DISTINCT grantee FROM information_schema.column_privileges
        WHERE table_schema = current_schema() AND table_name = 'account' AND column_name = 'addresses'
        AND privilege_type = 'SELECT' AND grantee <> 'PUBLIC'
    LOOP
        EXECUTE format('GRANT SELECT (cors) ON account TO %I', reader);
    END LOOP;
END
$$;

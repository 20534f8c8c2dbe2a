-- Where everything was moved to: from then on nobody serves from here.
CREATE TABLE moved (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    place TEXT NOT NULL
);

-- Gateways' users read whether it is so.
DO $$
DECLARE
    reader TEXT;
BEGIN
    FOR reader IN SELECT DISTINCT grantee FROM information_schema.column_privileges
        WHERE table_schema = current_schema() AND table_name = 'account' AND column_name = 'addresses'
        AND privilege_type = 'SELECT' AND grantee <> 'PUBLIC'
    LOOP
        EXECUTE format('GRANT SELECT ON moved TO %I', reader);
    END LOOP;
END
$$;

-- The permissions of gateways that connect as a database user of their own: they can revoke, and grant nothing.

-- Receipts rely on the list of nodes, so it is written through these functions only: each row is renewed and removed by
-- the process that knows its holder, which a gateway's user cannot read.

CREATE FUNCTION keydesk_now() RETURNS BIGINT LANGUAGE sql VOLATILE SET search_path FROM CURRENT
    AS $$ SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) $$;

-- `head.node_seq` numbers the nodes as they join and goes up when one leaves, so that others read the list again.
CREATE FUNCTION keydesk_join_node(
    node_id TEXT, node_name TEXT, node_role TEXT, node_release TEXT, node_lease_ms BIGINT, node_max_staleness_ms BIGINT,
    node_on_disconnect TEXT, node_asks_peers TEXT, node_peer_url TEXT, node_keys TEXT, node_holder TEXT
) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE number BIGINT;
BEGIN
    IF (node_id ~ '^nod_[0-9a-f]{32}$' AND node_role IN ('all', 'console', 'gateway') AND node_on_disconnect IN ('fail_closed', 'fail_open')
        AND node_asks_peers IN ('yes', 'no') AND node_lease_ms BETWEEN 1 AND 300000
        AND node_max_staleness_ms BETWEEN node_lease_ms AND 86400000 AND length(node_holder) BETWEEN 32 AND 128
        AND length(node_name) <= 256 AND length(node_peer_url) <= 2048 AND length(node_keys) <= 2048) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'not a node' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE head SET node_seq = head.node_seq + 1 WHERE one = 1 RETURNING head.node_seq INTO number;
    INSERT INTO node (id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, max_staleness_ms,
        on_disconnect, asks_peers, peer_url, keys, seen_at, holder)
    VALUES (node_id, node_name, node_role, node_release, number, number, 0, 0, '', node_lease_ms, node_max_staleness_ms,
        node_on_disconnect, node_asks_peers, node_peer_url, node_keys, keydesk_now(), node_holder);
    RETURN number;
END $$;

-- If the row was renewed more often than this process asked, another process has its secret.
CREATE FUNCTION keydesk_renew_node(
    node_id TEXT, node_holder TEXT, attempts BIGINT, node_applied BIGINT, node_epoch TEXT, node_known BIGINT,
    node_keys TEXT
) RETURNS TEXT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE node SET renewals = node.renewals + 1, applied = node_applied, epoch = node_epoch, known = node_known,
        keys = node_keys, seen_at = keydesk_now()
    WHERE node.id = node_id AND node.holder = node_holder AND node.holder <> '' AND node.renewals <= attempts;
    IF FOUND THEN RETURN 'renewed'; END IF;
    PERFORM 1 FROM node WHERE node.id = node_id;
    IF FOUND THEN RETURN 'taken'; ELSE RETURN 'gone'; END IF;
END $$;

CREATE FUNCTION keydesk_leave_node(node_id TEXT, node_holder TEXT)
RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM node WHERE node.id = node_id AND node.holder = node_holder AND node.holder <> '';
    IF NOT FOUND THEN RETURN 0; END IF;
    UPDATE head SET node_seq = head.node_seq + 1 WHERE one = 1;
    RETURN 1;
END $$;

REVOKE ALL ON FUNCTION keydesk_join_node(TEXT, TEXT, TEXT, TEXT, BIGINT, BIGINT, TEXT, TEXT, TEXT, TEXT, TEXT) FROM PUBLIC;
REVOKE ALL ON FUNCTION keydesk_renew_node(TEXT, TEXT, BIGINT, BIGINT, TEXT, BIGINT, TEXT) FROM PUBLIC;
REVOKE ALL ON FUNCTION keydesk_leave_node(TEXT, TEXT) FROM PUBLIC;

-- A user that does not own these tables is a gateway's: it can reject more, and accept nothing that was rejected.
CREATE FUNCTION keydesk_is_owner() RETURNS BOOLEAN LANGUAGE sql STABLE SET search_path FROM CURRENT
    AS $$ SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = CAST('head' AS regclass) $$;

-- Raises unless the condition is true; unknown counts as false.
CREATE FUNCTION keydesk_permit(is_permitted BOOLEAN) RETURNS VOID LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF is_permitted IS NOT TRUE THEN
        RAISE EXCEPTION 'only a console may do that' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION keydesk_guard_head() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM keydesk_permit(NEW.seq IN (OLD.seq, OLD.seq + 1) AND NEW.audit_seq IN (OLD.audit_seq, OLD.audit_seq + 1)
        AND (NEW.chain = OLD.chain OR NEW.chain = (SELECT change.chain FROM change WHERE change.seq = OLD.seq)));
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE UPDATE ON head FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_head();

CREATE FUNCTION keydesk_guard_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE body jsonb := CAST(NEW.body AS jsonb);
BEGIN
    PERFORM keydesk_permit(
        (body ->> 'kind' = 'secret_revoked' OR (body ->> 'kind' = 'account_stopped'
            AND body ->> 'state' IN ('suspended', 'closed') AND CAST(body ->> 'at' AS BIGINT) <= keydesk_now() + 60000000))
        AND NEW.chain = (SELECT encode(sha256(convert_to(head.chain || '|' || head.seq || '|' || NEW.body, 'UTF8')), 'hex')
            FROM head WHERE one = 1 AND head.seq = NEW.seq));
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE INSERT ON change FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_change();

CREATE FUNCTION keydesk_guard_secret() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM keydesk_permit(TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at > 0
        AND NEW.ended_at <= keydesk_now() + 60000000 AND NEW.encrypted_copy IS NULL AND NEW.revocation_reason IN ('rotated', 'revoked', 'password_changed', 'password_reset', 'logged_out_of_all_sessions',
        'member_removed', 'role_changed', 'account_closed', 'leaked'));
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE INSERT OR UPDATE ON secret FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_secret();

-- An account that a gateway closes can be restored for at least three weeks.
CREATE FUNCTION keydesk_guard_account() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM keydesk_permit(OLD.state = 'active' AND NEW.state IN ('suspended', 'closed')
        AND NEW.state_since = NEW.state_changed_at AND NEW.state_changed_at > OLD.state_changed_at
        AND NEW.state_changed_at BETWEEN keydesk_now() - 604800000000 AND keydesk_now() + 60000000);
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE UPDATE ON account FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_account();

CREATE FUNCTION keydesk_guard_audit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM keydesk_permit(NEW.actor IN ('token', 'node') AND NEW.user_id IS NULL
        AND NEW.event IN ('token.revoked', 'token.reconciled')
        AND NEW.seq = (SELECT audit_seq FROM head WHERE one = 1));
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE INSERT ON audit FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_audit();

CREATE FUNCTION keydesk_guard_audit_head() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE before BIGINT := 0;
BEGIN
    IF TG_OP = 'UPDATE' THEN before := OLD.entries; END IF;
    PERFORM keydesk_permit(NEW.entries = before + 1 AND NEW.chain ~ '^[0-9a-f]{64}$');
    RETURN NEW;
END $$;
CREATE TRIGGER keydesk_guard BEFORE INSERT OR UPDATE ON audit_head FOR EACH ROW WHEN (NOT keydesk_is_owner())
    EXECUTE FUNCTION keydesk_guard_audit_head();


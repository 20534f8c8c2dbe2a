//! What a gateway's database password is worth: all that someone who has it could try, and what a gateway makes of
//! a change that no console has written.

use crate::{
    documents::repository,
    support::{
        Keydesk, Options, cluster::revoke_newest, eventually, postgres::Postgres, use_token,
    },
};

/// What the guide's block grants, to this user.
pub fn grants(user: &str) -> String {
    let guide = std::fs::read_to_string(repository().join("docs/guide/cluster.md")).expect("there");
    let block = guide.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("the guide shows them").replace("keydesk_gateway", user)
}

/// A token's row in the feed, as someone would forge it from the last one.
const FORGED: &str = "WITH last AS (SELECT body FROM change WHERE body LIKE '%secret_issued%' ORDER BY seq DESC LIMIT 1), \
    next AS (SELECT head.seq + 1 AS seq, chain AS before, regexp_replace(last.body, '\"hash\":\"[0-9a-f]*\"', \
      '\"hash\":\"{HASH}\"') AS body FROM head, last), \
    sealed AS (SELECT seq, body, encode(sha256(convert_to(before || '|' || seq || '|' || body, 'UTF8')), 'hex') AS chain FROM next)";

fn forged(rest: &str, token: &str) -> String {
    use sha2::Digest;
    let hash = hex::encode(sha2::Sha256::digest(token));
    format!("{} {rest}", FORGED.replace("{HASH}", &hash))
}

const DENIED: &[&str] = &[
    // Making, and bringing back.
    "INSERT INTO secret (hash, token_id, version, masked, issued_at) SELECT 'x', token_id, 99, 'x', 1 FROM secret LIMIT 1",
    "INSERT INTO token SELECT * FROM token",
    "UPDATE secret SET ended_at = NULL, revocation_reason = NULL",
    "INSERT INTO restoration (hash, revoked_at) SELECT hash, ended_at FROM secret WHERE ended_at IS NOT NULL",
    "DELETE FROM restoration",
    "UPDATE token SET held_at = NULL, held_until = NULL",
    "INSERT INTO canary (id, account_id, name, hash, masked, created_at) SELECT 'x', account_id, 'x', 'x', 'x', 1 FROM token",
    "UPDATE canary SET removed_at = 1",
    "UPDATE secret SET encrypted_copy = 'x' WHERE ended_at IS NULL",
    "UPDATE secret SET ended_at = ended_at + 1 WHERE ended_at IS NOT NULL",
    "UPDATE secret SET hash = 'x'",
    "UPDATE secret SET valid_until = NULL",
    "UPDATE token SET scopes = '*', ip_allowlist = ''",
    "UPDATE token SET expires_at = NULL",
    "UPDATE account SET state = 'active', state_changed_at = state_changed_at + 1",
    "UPDATE account SET plan = 'big'",
    "UPDATE account SET state = 'closed', state_since = 1, state_changed_at = keydesk_now()",
    "UPDATE account SET state = 'closed', state_since = 1, state_changed_at = 1",
    "UPDATE account SET state = 'purged', state_since = keydesk_now(), state_changed_at = keydesk_now()",
    "UPDATE account SET state = 'zzz', state_since = keydesk_now(), state_changed_at = keydesk_now()",
    "UPDATE secret SET ended_at = 5, revocation_reason = 'zzz', encrypted_copy = NULL WHERE ended_at IS NULL",
    "UPDATE account SET state = 'suspended', state_changed_at = 4000000000000000",
    "UPDATE operation_rules SET mode = 'observe'",
    "INSERT INTO change (seq, at, body, chain, seal) SELECT seq + 1, 1, '{\"kind\":\"rules_changed\"}', '', '' FROM head",
    "INSERT INTO key_check (key_id, sealed, created_at, public_key) VALUES ('x', 'x', 1, 'x')",
    "UPDATE key_check SET public_key = 'x'",
    "INSERT INTO operator (user_id, created_at) VALUES ('x', 1)",
    "INSERT INTO session (id) VALUES ('x')",
    "INSERT INTO change (seq, at, body, chain) SELECT seq + 1, 1, '{\"foo\":1}', '' FROM head",
    "INSERT INTO change (seq, at, body, chain) SELECT seq + 1, 1, '[]', '' FROM head",
    // Confusing the others.
    "SELECT keydesk_join_node('rubbish', 'x', 'gateway', '0', 1000, 1000, 'fail_closed', 'no', '', '', repeat('a', 40))",
    "SELECT keydesk_join_node('nod_' || repeat('0', 32), 'x', 'gateway', '0', 9223372036854775807, 9223372036854775807, 'fail_open', 'yes', '', '', repeat('a', 40))",
    "SELECT keydesk_join_node('nod_' || repeat('0', 32), 'x', 'gateway', '0', 1000, 1000, 'zzz', 'no', '', '', repeat('a', 40))",
    "UPDATE audit_head SET entries = 9223372036854775807",
    "UPDATE audit_head SET chain = 'x', entries = entries + 1",
    "UPDATE head SET needs = 99",
    "UPDATE head SET epoch = 'x'",
    "UPDATE head SET key_id = 'x'",
    "UPDATE head SET node_seq = 99",
    "UPDATE head SET seq = seq + 2",
    "UPDATE head SET seq = seq - 1",
    "UPDATE head SET audit_seq = 0",
    "UPDATE head SET chain = 'x'",
    "DELETE FROM node",
    "UPDATE node SET applied = 999999",
    "INSERT INTO node SELECT * FROM node",
    "DELETE FROM change",
    "DELETE FROM secret",
    "DELETE FROM audit",
    "DELETE FROM quota_use",
    "TRUNCATE change",
    "INSERT INTO audit (seq, at, event, actor, target, detail, request_id) VALUES (1, 1, 'token.created', 'user', '', '', '')",
    "INSERT INTO audit (seq, at, event, actor, target, detail, request_id) VALUES (9999, 1, 'token.revoked', 'token', '', '', '')",
    "DROP TRIGGER keydesk_guard ON head",
    "SET session_replication_role = replica; UPDATE head SET needs = 99",
    "CREATE TABLE public.evil (x INT)",
    "CREATE FUNCTION public.count(TEXT) RETURNS BIGINT LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION keydesk_is_owner() RETURNS BOOLEAN LANGUAGE sql AS 'SELECT true'",
    // Reading.
    "SELECT encrypted_copy FROM secret",
    "SELECT masked FROM secret",
    "SELECT name FROM account",
    "SELECT * FROM users",
    "SELECT name FROM users",
    "SELECT * FROM member",
    "SELECT * FROM session",
    "SELECT * FROM reset",
    "SELECT * FROM totp",
    "SELECT * FROM recovery_code",
    "SELECT * FROM attempt",
    "SELECT * FROM sso",
    "SELECT * FROM invitation",
    "SELECT * FROM audit",
    "SELECT sealed FROM key_check",
    "SELECT pepper FROM key_check",
    "SELECT holder FROM node",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_database_password_makes_nothing() {
    let server = Postgres::start("");
    let database = server.new_database();
    let config = format!("database_url = \"{}\"", server.url(&database));
    let mut console = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = console.with_account().await;
    ann.create_token("ended", "never").await;
    revoke_newest(&ann).await;
    ann.create_token("CRM", "never").await;
    server.ask(&database, "CREATE USER gate");
    server.ask(&database, &grants("gate"));
    let try_it = |sql: &str| server.try_ask(&database, "gate", sql);
    let everything = "SELECT md5(string_agg(x, '')) FROM (SELECT CAST(secret AS TEXT) AS x FROM secret UNION ALL \
        SELECT CAST(token AS TEXT) FROM token UNION ALL SELECT CAST(account AS TEXT) FROM account UNION ALL \
        SELECT CAST(change AS TEXT) FROM change UNION ALL SELECT CAST(key_check AS TEXT) FROM key_check \
        UNION ALL SELECT id || applied || holder FROM node WHERE applied > 10000) AS all_of_it";
    let before = server.ask(&database, everything);
    for sql in DENIED {
        let message = try_it(sql).expect_err(sql);
        let is_denied = message.contains("permission denied")
            || message.contains("only a console may do that")
            || message.contains("not a node")
            || message.contains("must be owner");
        assert!(is_denied, "{sql}: {message}");
    }
    let insert = "INSERT INTO change (seq, at, body, chain, seal) SELECT seq, 1, body, chain, 'x:y' FROM sealed";
    let message = try_it(&forged(insert, "kd_u_canary")).expect_err("a forged token");
    assert!(message.contains("only a console"), "{message}");
    // The place of another node in the list.
    let renew =
        "SELECT keydesk_renew_node(id, 'guess', 999999, 999999, epoch, known, keys) FROM node";
    assert_eq!(try_it(renew).expect("asks"), "taken");
    let leave = "SELECT keydesk_leave_node(id, 'guess') FROM node";
    assert_eq!(try_it(leave).expect("asks"), "0");
    assert_eq!(server.ask(&database, everything), before, "nothing has changed");
}

/// Someone has got further, and writes into the feed what only a console can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_no_console_has_sealed_is_not_taken_over() {
    let server = Postgres::start("");
    let database = server.new_database();
    let config = |role: &str| {
        let store = server.url(&database);
        format!("role = \"{role}\"\ndatabase_url = \"{store}\"\n[cluster]\nlease_seconds = 2\n")
    };
    let mut console = Keydesk::start_with(&Options { config: config("all"), ..Options::default() });
    let ann = console.with_account().await;
    let gateway = Keydesk::start_with(&Options {
        config: config("gateway"),
        has_account: true,
        ..Options::default()
    });
    let path = ann.endpoint_url().await.trim_start_matches(&console.gateway).to_owned();
    let endpoint = format!("{}{path}", gateway.gateway);
    let good = ann.create_token("CRM", "never").await;
    eventually("it follows", async || use_token(&endpoint, &good).await.0 == 200).await;
    let evil = good.replace(&good[5..15], "canaryevil");
    for seal in ["", "x:y", "0011223344556677:AAAA"] {
        let write = format!(
            ", insert_it AS (INSERT INTO change (seq, at, body, chain, seal) SELECT seq, 1, body, chain, '{seal}' FROM sealed) \
             UPDATE head SET seq = sealed.seq, chain = sealed.chain FROM sealed"
        );
        server.ask(&database, &forged(&write, &evil));
        eventually("it is noticed", async || {
            gateway.printed().matches("was not written by a console").count() > 0
        })
        .await;
        assert_eq!(use_token(&endpoint, &evil).await.0, 401);
        // All others go on, and what a console writes is taken over.
        let next = ann.create_token("next", "never").await;
        eventually("it keeps working", async || use_token(&endpoint, &next).await.0 == 200).await;
        assert_eq!(use_token(&endpoint, &good).await.0, 200);
        assert_eq!(use_token(&endpoint, &evil).await.0, 401);
    }
}

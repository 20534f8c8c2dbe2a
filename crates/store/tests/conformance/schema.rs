//! The schema of both, opening, and what is not served from.

use crate::{
    postgres,
    world::{World, at, entry, postgresql, sqlite},
};
use keydesk_store::{DatabaseUrl, Store};

/// Same tables, same columns, same kinds, same "may be missing".
#[tokio::test]
async fn both_schemas_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keydesk.sqlite");
    Store::open(&DatabaseUrl::Sqlite(path.clone())).await.expect("opens").close().await;
    let pool =
        sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.expect("opens");
    let sqlite: Vec<String> = sqlx::query_scalar(
        "SELECT tables.name || '.' || columns.name || ' ' || \
         CASE columns.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE 'text' END || \
         CASE WHEN columns.\"notnull\" = 1 OR columns.pk > 0 THEN ' not null' ELSE '' END \
         FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns \
         WHERE tables.type = 'table' AND tables.name <> '_sqlx_migrations' ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .expect("reads");
    let server = postgres::Postgres::shared();
    let database = server.new_database();
    Store::open(&server.url(&database).parse().expect("a place")).await.expect("opens");
    let postgresql = server.ask(
        &database,
        "SELECT table_name || '.' || column_name || ' ' || data_type || \
         CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' \
         ORDER BY (table_name || '.' || column_name) COLLATE \"C\"",
    );
    let mut postgresql: Vec<_> = postgresql.lines().map(str::to_owned).collect();
    postgresql.sort();
    assert_eq!(postgresql, sqlite);
}

/// Nodes that start at once bring the schema up to date once; one that is older than the database
/// serves on, unless it is told that it cannot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t77_releases_take_turns_at_the_schema() {
    let place = postgresql();
    let opened = (0..4).map(|_| Store::open(&place));
    for store in futures_util::future::join_all(opened).await {
        store.expect("opens").close().await;
    }
    let DatabaseUrl::Postgres(named) = &place else { panic!("it is one") };
    let database = named.to_string().rsplit_once('/').expect("a database").1.to_owned();
    let server = postgres::Postgres::shared();
    server.ask(&database, "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)");
    Store::open(&place).await.expect("a later release has only added something").close().await;
    Store::open_as_it_is(&place).await.expect("so may a gateway").close().await;
    server.ask(&database, "UPDATE head SET needs = 99");
    for rejected in [Store::open(&place).await, Store::open_as_it_is(&place).await] {
        let message = rejected.expect_err("rejected").to_string();
        assert!(message.contains("run the newer release"), "{message}");
    }
}

#[tokio::test]
async fn a_database_that_went_back_in_time_is_loaded_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keydesk.sqlite");
    let world = World::new(&sqlite(folder.path())).await;
    let mut write = world.store.write(at(2)).await.expect("begins");
    world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let pool =
        sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.expect("opens");
    sqlx::query("UPDATE head SET seq = 0, epoch = 'restored'")
        .execute(&pool)
        .await
        .expect("writes");
    world.store.catch_up().await.expect("reads");
    assert_eq!(world.follower.numbers(), [0, 1, 0]);
}

#[tokio::test]
async fn a_damaged_file_is_rejected_with_a_clear_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keydesk.sqlite");
    std::fs::write(&path, vec![b'x'; 8192]).expect("writes");
    let shown = path.display().to_string();
    let error =
        Store::open(&DatabaseUrl::Sqlite(path)).await.expect_err("it is damaged").to_string();
    assert!(
        error.contains(&shown) && error.contains("is damaged (file is not a database); restore"),
        "{error}"
    );
}

/// A migration that has to wait for a long transaction lets other transactions continue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_for_a_lock_stops_nobody() {
    let server = postgres::Postgres::shared();
    let database = server.new_database();
    let url: DatabaseUrl = server.url(&database).parse().expect("a URL");
    Store::open(&url).await.expect("opens").close().await;
    // The state before the last migration.
    for undo in [
        "DROP FUNCTION keydesk_now, keydesk_join_node, keydesk_renew_node, keydesk_leave_node",
        "DROP FUNCTION keydesk_guard_head, keydesk_guard_change, keydesk_guard_secret, keydesk_guard_account, \
         keydesk_guard_audit, keydesk_guard_audit_head, keydesk_permit, keydesk_is_owner CASCADE",
        "DELETE FROM _sqlx_migrations WHERE version = 2",
    ] {
        server.ask(&database, undo);
    }
    // A trigger cannot be added to a table that another transaction writes to.
    let writer =
        server.hold(&database, "UPDATE account SET plan = plan; UPDATE head SET one = one");
    let opening = tokio::spawn(async move { Store::open(&url).await });
    let waits = format!(
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_database ON pg_database.oid = database \
        WHERE NOT granted AND datname = '{database}'"
    );
    // Twice, because it tries again.
    for _ in 0..2 {
        while server.ask(&database, &waits) == "f" {
            assert!(!opening.is_finished(), "it waits: {:?}", opening.await);
        }
        // A request behind it waits for at most a second.
        let behind = "SET statement_timeout = '2500ms'; SELECT count(*) FROM head";
        assert!(server.ask(&database, behind).ends_with('1'), "others read meanwhile");
        while server.ask(&database, &waits) == "t" {}
    }
    drop(writer);
    opening.await.expect("ends").expect("opens").close().await;
    assert_eq!(server.ask(&database, "SELECT max(version) FROM _sqlx_migrations"), "2");
}

//! Many tokens, put into Keydesk's database before it starts.

use anyhow::Context;
use keydesk_model::{Timestamp, TokenId};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

/// Issues `count` API tokens to the first account; they are the same in every run.
pub async fn tokens(data: &Path, count: usize) -> anyhow::Result<Vec<String>> {
    let options = SqliteConnectOptions::new().filename(data.join("keydesk.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let account: String = sqlx::query_scalar("SELECT id FROM account LIMIT 1")
        .fetch_one(&mut connection)
        .await
        .context("there is no account")?;
    let (entropy, now) = (Entropy::seeded(7), Timestamp::from_micros(1_795_435_200_000_000));
    let mut transaction = connection.begin().await?;
    let mut tokens = Vec::with_capacity(count);
    for number in 0..count {
        let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &entropy);
        let id = TokenId::generate(now, &entropy).to_string();
        sqlx::query("INSERT INTO token (id, account_id, token_owner, name, scopes, created_at) VALUES ($1, $2, 'account', $3, '*', $4)")
            .bind(&id)
            .bind(&account)
            .bind(format!("bench {number}"))
            .bind(now.as_micros())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO secret (hash, token_id, version, masked, issued_at) VALUES ($1, $2, 1, $3, $4)")
            .bind(plain.hash().as_bytes().as_slice())
            .bind(&id)
            .bind(plain.masked())
            .bind(now.as_micros())
            .execute(&mut *transaction)
            .await?;
        tokens.push(plain.expose().to_owned());
    }
    transaction.commit().await?;
    Ok(tokens)
}

/// Limits on everything that can be limited, none of them reached: scopes and addresses of each token,
/// addresses of the account.
pub async fn limit(data: &Path) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(data.join("keydesk.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for statement in [
        "UPDATE token SET scopes = 'bench:read bench:write', ip_allowlist = '10.0.0.0/8 127.0.0.0/8 ::1'",
        "UPDATE account SET ip_allowlist = '127.0.0.0/8 2001:db8::/32'",
    ] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(())
}

const PLAN: &str = "default_plan = \"bench\"\n\
    [[plan]]\nname = \"bench\"\nrate_limit = \"1000000/s\"\ntoken_rate_limit = \"1000000/s\"\n\
    monthly_quota = 1000000000000\nmode = \"enforce\"\n";
const EVERYTHING: &str = "default_plan = \"bench\"\n\
    [[plan]]\nname = \"bench\"\nrate_limit = \"1000000/s\"\ntoken_rate_limit = \"1000000/s\"\n\
    monthly_quota = 1000000000000\nmode = \"enforce\"\n\
    [[operation]]\nmethod = \"GET\"\npath = \"/api/v1/contacts\"\nscopes = [\"bench:read\", \"bench:all\"]\n\
    [[operation]]\nmethod = \"GET\"\npath = \"/api/v1/contacts/{id}\"\nscopes = [\"bench:read\"]\n\
    [[operation]]\nmethod = \"POST\"\npath = \"/api/v1/contacts\"\nscopes = [\"bench:write\"]\n";

/// What goes with it, by the name of the row. The rules come last, as the database keeps them.
pub const LIMITS: [(&str, &str); 3] = [
    ("keydesk, addresses", ""),
    ("keydesk, addresses, rates, quota", PLAN),
    ("keydesk, addresses, rates, quota, scopes", EVERYTHING),
];

pub async fn account_number(data: &Path) -> anyhow::Result<i64> {
    let options = SqliteConnectOptions::new().filename(data.join("keydesk.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    Ok(sqlx::query_scalar("SELECT number FROM account LIMIT 1").fetch_one(&mut connection).await?)
}

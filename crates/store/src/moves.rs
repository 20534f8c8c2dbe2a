//! Clients that move from a bearer token to an API token of their own.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{Timestamp, TokenId};

/// A client of a bearer token, and the API token that was created for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub client: String,
    pub token: TokenId,
    pub token_name: String,
    pub is_active: bool,
    /// When the client last used the API token.
    pub last_used_at: Option<Timestamp>,
}

const LIST: &str = "SELECT token_move.client, token.id, token.name, \
    (SELECT count(*) FROM secret WHERE secret.token_id = token.id AND secret.ended_at IS NULL) AS active, \
    (SELECT max(last_used_at) FROM integration WHERE integration.token_id = token.id \
      AND integration.client = token_move.client) AS used_at \
    FROM token_move JOIN token ON token.id = token_move.new_token_id WHERE token_move.token_id = $1";
const NOTE: &str = "INSERT INTO token_move (token_id, client, new_token_id) VALUES ($1, $2, $3) \
    ON CONFLICT (token_id, client) DO UPDATE SET new_token_id = excluded.new_token_id";

impl Read {
    /// Returns the clients of a bearer token for which an API token was created.
    pub async fn list_moves(&mut self, token: TokenId) -> Result<Vec<Move>, StoreError> {
        let rows = query(LIST).bind(token).all(self).await?;
        let moved = |row| {
            Ok(Move {
                client: row::text(row, "client")?,
                token: row::parsed(row, "id")?,
                token_name: row::text(row, "name")?,
                is_active: row.get::<i64>("active")? > 0,
                last_used_at: row::instant_opt(row, "used_at")?,
            })
        };
        rows.iter().map(moved).collect()
    }
}

impl Write {
    /// Notes the API token that was created for a client of a bearer token.
    pub async fn note_move(
        &mut self,
        token: TokenId,
        client: &str,
        new: TokenId,
    ) -> Result<(), StoreError> {
        query(NOTE).bind(token).bind(client).bind(new).execute(self).await.map(|_| ())
    }
}

//! The schema's versions. A release adds to it and takes nothing away that the release before still
//! reads; a step that older releases could not follow raises `head.needs`, and they refuse.

use crate::{
    OpenError,
    sql::{Runs, query},
};
use sqlx::migrate::{Migrate, Migrator};

/// The newest step that this release knows; the same on both back ends.
pub(crate) const KNOWN: i64 = 17;

const NEEDS: &str = "SELECT needs FROM head WHERE one = 1";
const NEWEST: &str = "SELECT max(version) AS newest FROM _sqlx_migrations";

/// Applies the steps that are missing; the caller sees to it that nobody else does at the same
/// time. Steps that a newer release has added are let stand.
pub(crate) async fn bring_up_to_date<C: Migrate + Runs>(
    steps: &Migrator,
    connection: &mut C,
) -> Result<(), OpenError> {
    let mut ours = Migrator::with_migrations(steps.migrations.to_vec());
    ours.set_ignore_missing(true).set_locking(false);
    ours.run_direct(None, connection, false).await?;
    check(connection).await
}

/// Whether this release can serve from it as it is.
pub(crate) async fn check<C: Runs>(connection: &mut C) -> Result<(), OpenError> {
    let newest =
        query(NEWEST).one(connection).await.ok().map(|row| row.get::<Option<i64>>("newest"));
    let newest = newest.transpose()?.flatten().unwrap_or(0);
    if newest < KNOWN {
        return Err(OpenError::Older { newest, known: KNOWN });
    }
    let needs: i64 = query(NEEDS).one(connection).await?.get("needs")?;
    if needs > KNOWN { Err(OpenError::NeedsNewer { needs, known: KNOWN }) } else { Ok(()) }
}

//! WebSocket: passes an upgrade through and then bytes both ways, for as long as the token lives.

use crate::{
    handle::Worker,
    io::{Half, Io},
    permit::Permitted,
    wire::{Buffer, Head, Kind, Noted},
};
use http::Version;
use std::{cell::RefCell, time::Duration};
use tokio::io::copy_bidirectional;

/// How often an open tunnel asks whether its token still lives.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// Only HTTP/1.1 and only `websocket` (RFC 6455); any other `Upgrade`, h2c above all, is dropped.
pub(crate) fn is_asked_for(head: &Head, noted: &Noted) -> bool {
    noted.has_upgrade
        && head.version == Version::HTTP_11
        && head.method == "GET"
        && noted.says(Kind::Connection, "upgrade")
        && noted.says(Kind::Upgrade, "websocket")
}

/// Joins both sides, what each has sent already first, until one ends or the token does.
pub(crate) async fn join(
    worker: &Worker,
    permitted: &Permitted,
    client: (&RefCell<Io>, &mut Buffer),
    upstream: (&RefCell<Io>, &mut Buffer),
) {
    let (mut to_client, mut to_upstream) = (Half(client.0), Half(upstream.0));
    let pass = async {
        to_upstream.write_whole(client.1.filled()).await?;
        to_client.write_whole(upstream.1.filled()).await?;
        copy_bidirectional(&mut to_client, &mut to_upstream).await
    };
    tokio::select! {
        _ = pass => {}
        () = token_ends(worker, permitted) => {}
    }
}

async fn token_ends(worker: &Worker, permitted: &Permitted) {
    while worker.table.still_lives(permitted.token(), worker.clock.now()) {
        tokio::time::sleep(CHECK_EVERY).await;
    }
}

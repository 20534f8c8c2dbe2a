//! WebSocket: passes an upgrade through and then bytes both ways, for as long as the request is permitted.

use crate::{
    handle::Worker,
    io::{Half, Io},
    permission::{Permission, Pulse},
    wire::{Buffer, Head, Kind, Noted},
};
use http::Version;
use std::{cell::RefCell, io, pin::pin};
use tokio::{io::AsyncWriteExt, time::timeout};

/// Only HTTP/1.1 and only `websocket` (RFC 6455); any other `Upgrade`, h2c above all, is dropped.
pub(crate) fn is_asked_for(head: &Head, noted: &Noted) -> bool {
    noted.has_upgrade
        && head.version == Version::HTTP_11
        && head.method == "GET"
        && noted.says(Kind::Connection, "upgrade")
        && noted.says(Kind::Upgrade, "websocket")
}

/// Joins both sides, what each has sent already first, until one ends or the request is no longer permitted.
pub(crate) async fn join(
    worker: &Worker,
    (permission, pulse): (&Permission, &mut Pulse),
    client: (&RefCell<Io>, &mut Buffer),
    upstream: (&RefCell<Io>, &mut Buffer),
) {
    let pass = async {
        Half(upstream.0).write_whole(client.1.filled()).await?;
        Half(client.0).write_whole(upstream.1.filled()).await?;
        let (up, down) = (pipe(client.0, upstream.0), pipe(upstream.0, client.0));
        let (mut up, mut down) = (pin!(up), pin!(down));
        // Whoever has said all may still be told something, but not for ever.
        let linger = worker.settings.limits.header_timeout;
        tokio::select! {
            _ = &mut up => drop(timeout(linger, down).await),
            _ = &mut down => drop(timeout(linger, up).await),
        }
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        _ = pass => {}
        _ = pulse.until_over(worker, permission) => {}
    }
}

async fn pipe(from: &RefCell<Io>, to: &RefCell<Io>) -> io::Result<()> {
    tokio::io::copy(&mut Half(from), &mut Half(to)).await?;
    Half(to).shutdown().await
}

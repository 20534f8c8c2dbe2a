//! The database, the role of the node, and its behavior when disconnected.

use super::{
    file::{FileCluster, Located, Source},
    operation::read_secret,
    values::number,
};
use anyhow::{Context, bail};
use keydesk_model::{DisconnectPolicy, LeaseConfig};
use keydesk_node::Peers;
use keydesk_store::DatabaseUrl;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

/// The role of a node: console, gateway, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    All,
    Console,
    Gateway,
}

impl Role {
    pub fn has_console(self) -> bool {
        self != Self::Gateway
    }

    pub fn has_gateway(self) -> bool {
        self != Self::Console
    }
}

#[derive(Debug)]
pub struct Cluster {
    /// The display name of the node.
    pub name: String,
    pub terms: LeaseConfig,
    /// The time for which a response waits for confirmations from gateways.
    pub confirm: Duration,
    pub peers: Option<Peers>,
}

pub fn role(given: Option<Located>) -> anyhow::Result<Role> {
    let Some(given) = given else { return Ok(Role::All) };
    match given.text.as_str() {
        "all" => Ok(Role::All),
        "console" => Ok(Role::Console),
        "gateway" => Ok(Role::Gateway),
        _ => Err(given.wrong("“all”, “console” or “gateway”")),
    }
}

/// Returns the configured database, or the file in the data folder by default.
pub fn place(
    given: Option<&Located>,
    password_file: Option<&PathBuf>,
    data: &Path,
) -> anyhow::Result<DatabaseUrl> {
    let place = match given {
        None => DatabaseUrl::Sqlite(data.join("keydesk.sqlite")),
        // The value may contain a password, so it is not repeated.
        Some(given) => {
            given.text.parse().map_err(|error| anyhow::anyhow!("{}: {error}", given.place))?
        }
    };
    match (place, password_file) {
        (DatabaseUrl::Postgres(place), Some(path)) => {
            // The file is read for every connection; reading it here reports an unreadable file early.
            read_secret("database_password_file", path)?;
            Ok(DatabaseUrl::Postgres(place.with_password_file(path)))
        }
        (DatabaseUrl::Sqlite(_), Some(_)) => {
            bail!("database_password_file is for a database_url that begins with postgres://…")
        }
        (place, None) => Ok(place),
    }
}

pub fn cluster(source: &Source, file: &FileCluster) -> anyhow::Result<Cluster> {
    let seconds = |key: &str, value: &Option<_>, least, most, default| {
        number(source, &format!("cluster.{key}"), value.as_ref(), least..=most, default)
            .map(Duration::from_secs)
    };
    let on_disconnect = match &file.on_disconnect {
        None => DisconnectPolicy::FailClosed,
        Some(value) => {
            let given = source.given("cluster.on_disconnect", value);
            given.parse_as(|text| text.parse().ok(), "“fail_closed” or “fail_open”")?
        }
    };
    let peers = peers(source, file)?;
    let lease = seconds("lease_seconds", &file.lease_seconds, 1, 300, 5)?;
    let max_staleness =
        seconds("max_staleness_seconds", &file.max_staleness_seconds, 1, 86_400, 600)?;
    if max_staleness < lease {
        bail!(
            "cluster.max_staleness_seconds is the longest time that a node serves without the database: not less than lease_seconds"
        );
    }
    Ok(Cluster {
        name: file.name.clone().unwrap_or_else(own_name),
        terms: LeaseConfig { lease, max_staleness, on_disconnect, asks_peers: peers.is_some() },
        confirm: seconds("confirm_timeout_seconds", &file.confirm_timeout_seconds, 0, 20, 3)?,
        peers,
    })
}

fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn peers(source: &Source, file: &FileCluster) -> anyhow::Result<Option<Peers>> {
    let Some(path) = &file.peer_key_file else {
        if let Some(peer) = &file.peer {
            let place = source.given("cluster.peer", peer).place;
            bail!(
                "{place}: set peer_key_file too: 32 or more random characters, the same on all nodes"
            );
        }
        return Ok(None);
    };
    let key = read_secret("cluster.peer_key_file", path)?;
    if key.len() < 32 {
        bail!("cluster.peer_key_file {} holds less than 32 characters", path.display());
    }
    // Every node may commit, so every node must confirm.
    let Some(value) = &file.peer else {
        bail!("cluster.peer: set where this node is asked by the others, such as 10.0.0.1:8083")
    };
    let given = source.given("cluster.peer", value);
    let listen: std::net::SocketAddr = given.parse("an address and port such as 10.0.0.1:8083")?;
    let url = match &file.peer_url {
        Some(value) => super::values::public_url(&source.given("cluster.peer_url", value))?,
        None => format!("http://{listen}"),
    };
    let key = Zeroizing::new(key.as_bytes().to_vec());
    Ok(Some(Peers { listen, url, key }))
}

/// Parses a database URL given to a command.
pub fn place_named(text: &str) -> anyhow::Result<DatabaseUrl> {
    text.parse::<DatabaseUrl>().context("the place of a database")
}

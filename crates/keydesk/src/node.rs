//! `keydesk node`: lists the nodes of this database and removes nodes that no longer exist.

use crate::{config::Config, data};
use keydesk_control::{list_nodes, remove_node};
use keydesk_model::Timestamp;
use keydesk_node::system;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the nodes with the last renewal and the end of each lease
    List,
    /// Remove a node that no longer exists, so that receipts do not wait for it
    Remove(RemoveArgs),
}

#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// Name or ID of the node
    #[arg(value_name = "NODE")]
    node: String,
    /// Confirm that the node is not running, although its lease may still be valid
    #[arg(long)]
    destroyed: bool,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    let now = system::clock().now();
    match command {
        Command::List => {
            let (nodes, now) = list_nodes(&store, now).await?;
            print_line!(
                "{:<20} {:<9}{:<12}{:<29}Id",
                "Name",
                "Role",
                "Last seen",
                "Accepts tokens until"
            );
            for listed in nodes {
                let row = &listed.node.row;
                let role = match (row.is_console, row.is_gateway) {
                    (true, true) => "all",
                    (true, false) => "console",
                    (false, _) => "gateway",
                };
                let ago = format!("{} s ago", now.since(listed.node.seen_at).as_secs());
                let until =
                    if row.is_gateway { until(listed.accepts_until, now) } else { "-".to_owned() };
                let name = row.name.escape_debug().to_string();
                print_line!("{name:<20} {role:<9}{ago:<12}{until:<29}{}", row.id);
            }
        }
        Command::Remove(RemoveArgs { node, destroyed }) => {
            let removed = remove_node(&store, now, &node, destroyed).await?;
            print_line!("{} ({}) was removed.", removed.name.escape_debug(), removed.id);
        }
    }
    store.close().await;
    Ok(())
}

fn until(at: Timestamp, now: Timestamp) -> String {
    if at <= now { "over".to_owned() } else { at.to_string() }
}

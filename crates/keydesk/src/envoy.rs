//! The endpoint for Envoy, in builds with the feature `envoy`.

use crate::config::Config;
use keydesk_gateway::{LiveTable, Settings};
use keydesk_node::Member;
use std::sync::Arc;
use tokio::sync::watch;

#[cfg(feature = "envoy")]
pub async fn start(
    config: &Config,
    settings: &Settings,
    (table, member): (&Arc<LiveTable>, &Member),
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    use anyhow::Context;
    use keydesk_node::system;
    let envoy = config.integrations.envoy.as_ref().filter(|_| config.role.has_gateway());
    let Some(crate::config::Envoy { listen, trusted }) = envoy else { return Ok(()) };
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("envoy.listen: {listen} cannot be bound"))?;
    print_line!("  Envoy     {}", listener.local_addr()?);
    let (table, clock, entropy) = (Arc::clone(table), member.clock.clock(), system::entropy());
    let checker = keydesk_gateway::Checker::new(settings.clone(), table, clock, &entropy);
    let authorizer = keydesk_envoy::Authorizer { checker, trusted: trusted.clone() };
    let stops = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    tokio::spawn(async move {
        if let Err(error) = keydesk_envoy::serve(authorizer, listener, stops).await {
            tracing::error!(%error, "the endpoint for Envoy has stopped");
        }
    });
    Ok(())
}

/// Does nothing, because the configuration has already rejected settings that this build lacks.
#[cfg(not(feature = "envoy"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
pub async fn start(
    _: &Config,
    _: &Settings,
    _: (&Arc<LiveTable>, &Member),
    _: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    Ok(())
}

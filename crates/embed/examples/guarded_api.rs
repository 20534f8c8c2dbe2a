//! An API that checks Keydesk's tokens itself:
//! `cargo run --package keydesk-embed --example guarded_api -- sqlite:keydesk-data/keydesk.sqlite guarded-data`
//! beside a running Keydesk, then call it with a token at `http://127.0.0.1:8090/{account number}/hello`.

use axum::{Extension, Router, ServiceExt, extract::ConnectInfo, routing::get};
use keydesk_embed::{Guard, GuardLayer, Options, Pass};
use std::{error::Error, net::SocketAddr};
use tower::Layer;

async fn hello(Extension(pass): Extension<Pass>) -> String {
    format!("Hello, account {}. Your token may do: {}\n", pass.account, pass.scopes)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let store =
        args.next().ok_or("name the store: postgres://… or sqlite:keydesk-data/keydesk.sqlite")?;
    let data = args.next().ok_or("name a folder of this client's own")?;
    let guard = Guard::join(&Options::new(&store, data, "guarded-api")?).await?;

    let router = Router::new().route("/hello", get(hello));
    let layer = GuardLayer::new(guard.clone(), |found| {
        found.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    });
    // Around the router, not inside: the account's number is off the path before anything is routed.
    let guarded = layer.layer(router);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
    println!("http://{}", listener.local_addr()?);
    let service = ServiceExt::<axum::extract::Request>::into_make_service_with_connect_info::<
        SocketAddr,
    >(guarded);
    axum::serve(listener, service)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    guard.leave().await;
    Ok(())
}

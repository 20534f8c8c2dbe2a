//! `keydesk serve`: starts the database, live table, gateway, and console, and stops them in order.

use crate::{
    background::{self, Background},
    config::{Addresses, Config, Options},
    console, data, documents, envoy,
    operations::RuleSync,
    records, reload,
    self_service::{self, Deadlines, Reminders},
    service_manager, serving,
    shutdown::Shutdown,
    sockets, status, tls,
};
use anyhow::{Context, bail};
use keydesk_control::{
    AlertWatch, AppServices, AppState, AuditForwarder, Keyring, MailQueue, Mailer, Notices,
    OpenApiSource, UsageRollup, WebhookDispatcher,
};
use keydesk_gateway::{
    Gateway, Listeners, LiveTable, Records, Running, SelfService, TokenService, UpstreamSettings,
};
use keydesk_model::{Clock, Table};
use keydesk_node::{Counts, Keys, Member, NodeSettings, REPORT, system};
use keydesk_store::{DatabaseUrl, Store};
use std::{net::SocketAddr, path::Path, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::{net::TcpListener, sync::watch};

pub async fn run(config: Config, options: &Options) -> anyhow::Result<()> {
    let (store, keyring) = data::open_or_create(&config).await?;
    let _serving = serving::begin(&config)?;
    let sockets::Sockets { gateway, console } = sockets::open(&config)?;
    let tls = config.tls.as_ref().map(|tls| tls::start(tls, &config.data)).transpose()?;
    let gateway_addr =
        gateway.as_ref().map_or(config.gateway.first(), |gateway| gateway.local_addr);
    let console_addr = sockets::first_of(console.as_ref(), &config.console)?;
    let upstreams = upstreams(&config, gateway_addr).await?;
    let upstream = first_upstream(&upstreams)?;

    let table = live_table(&config);
    let (member, counts) = join(&config, &store, &table, keyring.clone()).await?;

    let settings = data::settings(&config, console_addr, gateway_addr);
    let (token_service, answer_tokens) = self_service::start();
    let (records, written) = records::start(&config.observe, &config.outbound)?;
    let gateway_settings = gateway_settings(&config, &settings, upstreams, token_service);
    let (stop, stopped) = watch::channel(false);
    envoy::start(&config, &gateway_settings, (&table, &member), stopped.clone()).await?;
    let clock = member.clock.clock();
    let live = (&table, &clock);
    let running = gateway
        .map(|listeners| start_gateway(listeners, gateway_settings, live, records, tls.clone()))
        .transpose()?;
    let background = Background::new(clock.clone());
    let (stopping, expiring) = (status::Stopping::default(), self_service::Expiring::default());
    let seen = status::Seen {
        metrics: running.as_ref().map(Running::metrics),
        table: Arc::clone(&table),
        member: Arc::clone(&member),
        store: store.clone(),
        stopping: Arc::clone(&stopping),
        expiring: expiring.clone(),
        background: background.clone(),
    };
    start_status(&config, seen).await?;
    let openapi = documents::openapi(&config, &upstream)?;
    let mut tasks = look_after(&config, &store, &openapi, &member, &background);
    tokio::spawn(try_upstream(upstream));
    announce(&config, &settings);
    warn_of_rotation(&config, &store);
    let (mailer, base) = (mailer(&config)?, base(&config, &store, keyring, &member));
    let app = AppState::new(settings, base, mailer, openapi, clock, system::entropy());
    tasks.extend(member.spawn().into_iter().chain([answer_tokens(app.clone()), serves(options)?]));
    let app = config.role.has_console().then_some(app);
    offer_setup(app.as_ref()).await?;
    tasks.extend(app.iter().flat_map(|app| send_out(app, &config, (&expiring, &background))));
    let report = tokio::spawn(report(counts, stopped.clone(), background.clone()));
    let (leaving, delay) = (running.as_ref().map(Running::leaver), config.shutdown_delay);
    let shutdown = Shutdown { member: Arc::clone(&member), stopping, leaving, delay };
    let signal = tokio::spawn(shutdown.stop_when_asked(stop));
    // Both stop accepting connections together, and each completes its requests in flight.
    let console = serve_console(console.zip(app), tls, stopped.clone());
    let ((), gateway) = tokio::join!(console, stop_gateway(running, written, stopped));
    gateway?;
    let why = signal.await?;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    member.leave().await;
    report.await?.finish().await;
    store.close().await;
    why.map_or(Ok(()), |taken| Err(taken.into()))
}

/// Tells the service manager that the node serves, and answers its signals.
fn serves(options: &Options) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let reloads = reload::start(options.clone())?;
    service_manager::keep_alive();
    service_manager::ready();
    Ok(reloads)
}

/// Starts the jobs that send something out of a node with a console.
fn send_out(
    app: &AppState,
    config: &Config,
    (expiring, background): (&self_service::Expiring, &Background),
) -> Vec<tokio::task::JoinHandle<()>> {
    let reminders = Reminders { app: app.clone(), expiring: Arc::clone(expiring) };
    let mail = MailQueue::new(app.clone()).map(|queue| background.start(&background::MAIL, queue));
    let requests = self_service::FinishedRequests(app.clone());
    let webhooks = WebhookDispatcher::new(app.clone());
    let rest = [
        background.start(&background::WEBHOOKS, webhooks),
        background.start(
            &background::NOTICES,
            self_service::NoticeJob { app: app.clone(), notices: Notices::default() },
        ),
        background.start(&background::CANARIES, self_service::CanaryAlarms(app.clone())),
        background.start(&background::API_VERSIONS, self_service::ApiVersions(app.clone())),
        background.start(&background::REMINDERS, reminders),
        background.start(&background::REQUESTS, requests),
        background.start(
            &background::ROLLUP,
            self_service::Rollups { app: app.clone(), rollup: UsageRollup::default() },
        ),
        background.start(
            &background::ALERTS,
            self_service::Alerts { app: app.clone(), watch: AlertWatch::default() },
        ),
    ];
    let audit = forward_audit(app, config, background);
    mail.into_iter().chain(rest).chain(audit).collect()
}

fn forward_audit(
    app: &AppState,
    config: &Config,
    background: &Background,
) -> Vec<tokio::task::JoinHandle<()>> {
    let destinations = config.audit.iter().cloned();
    let forwarders = destinations
        .map(|destination| AuditForwarder::new(app.clone(), destination, &config.cluster.name));
    forwarders.map(|forwarder| background.start(&background::AUDIT, forwarder)).collect()
}

fn base(
    config: &Config,
    store: &Store,
    keyring: Option<Arc<Keyring>>,
    member: &Member,
) -> AppServices {
    // A node without a console has no keys; tokens that need none can still be changed with self-service.
    let keyring = keyring.unwrap_or_else(|| Arc::new(Keyring::new(|| None)));
    let (store, nodes) = (store.clone(), Arc::clone(&member.nodes));
    AppServices { store, keyring, nodes, outbound: config.outbound.clone() }
}

fn live_table(config: &Config) -> Arc<LiveTable> {
    let (plans, default) = (&config.plans.all, config.plans.default.as_deref());
    Arc::new(LiveTable::with_lease_guard(system::stopwatch()).with_plans(plans, default))
}

/// Joins the nodes and loads the request counts of this month.
async fn join(
    config: &Config,
    store: &Store,
    table: &Arc<LiveTable>,
    keyring: Option<Arc<Keyring>>,
) -> anyhow::Result<(Arc<Member>, Counts)> {
    let table = Arc::clone(table) as Arc<dyn Table>;
    let keys = keyring.map(|keyring| keyring as Arc<dyn Keys>);
    let settings = NodeSettings {
        journal: config.data.join("revocations.journal"),
        locks: config.store.locks(&config.data),
        name: config.cluster.name.clone(),
        is_gateway: config.role.has_gateway(),
        is_console: config.role.has_console(),
        terms: config.cluster.terms,
        confirm: config.cluster.confirm,
        peers: config.cluster.peers.clone(),
    };
    let member = Member::join(settings, store, &table, keys).await?;
    let clock = member.clock.clock();
    let reports = (member.nodes.own, config.request_log.per_account > 0);
    let counts = Counts::begin(store.clone(), table, clock, reports).await;
    Ok((member, counts))
}

/// Starts the background jobs of a node with a console.
fn look_after(
    config: &Config,
    store: &Store,
    openapi: &OpenApiSource,
    member: &Arc<Member>,
    background: &Background,
) -> Vec<tokio::task::JoinHandle<()>> {
    if !config.role.has_console() {
        return Vec::new();
    }
    let rules = RuleSync::new(store.clone(), config.rules.clone(), openapi.clone());
    let deadlines = Deadlines::new(store.clone(), member.clock.clone());
    vec![
        background.start(&background::OPERATION_RULES, rules),
        background.start(&background::DEADLINES, deadlines),
    ]
}

fn start_gateway(
    listeners: Listeners,
    settings: keydesk_gateway::Settings,
    (table, clock): (&Arc<LiveTable>, &Clock),
    records: Records,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> anyhow::Result<Running> {
    let entropy = system::entropy();
    let gateway =
        Gateway::new(settings, Arc::clone(table), clock.clone(), entropy).context("upstream")?;
    let gateway = gateway.recording(records).with_tls(tls);
    gateway.start(listeners).context("the gateway cannot start")
}

async fn start_status(config: &Config, seen: status::Seen) -> anyhow::Result<()> {
    if let Some(addr) = config.observe.status {
        let addr = status::start(addr, seen).await?;
        print_line!("  Status    http://{addr}/readyz");
    }
    Ok(())
}

async fn serve_console(
    console: Option<(Vec<TcpListener>, AppState)>,
    tls: Option<Arc<rustls::ServerConfig>>,
    stopped: watch::Receiver<bool>,
) {
    match console {
        Some((listeners, app)) => {
            let proxies = app.settings.trusted_proxies.clone();
            let router = keydesk_control::router(app);
            let serving = listeners.into_iter().map(|listener| {
                let (router, tls, proxies) = (router.clone(), tls.clone(), proxies.clone());
                console::serve(listener, router, tls, proxies, stops(stopped.clone()))
            });
            futures_util::future::join_all(serving).await;
        }
        None => stops(stopped).await,
    }
}

fn first_upstream(upstreams: &[UpstreamSettings]) -> anyhow::Result<http::Uri> {
    upstreams
        .iter()
        .find(|upstream| upstream.prefix == "/")
        .or(upstreams.first())
        .and_then(|upstream| upstream.servers.first().cloned())
        .context("there is no upstream")
}

/// Waits for the signal, and returns when the gateway has stopped and its records are written.
async fn stop_gateway(
    running: Option<Running>,
    written: Vec<JoinHandle<()>>,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    stops(stopped).await;
    print_line!("Stopping after the requests in flight.");
    let stop = move || {
        if let Some(running) = running {
            running.stop();
        }
        for thread in written {
            let _ = thread.join();
        }
    };
    Ok(tokio::task::spawn_blocking(stop).await?)
}

fn gateway_settings(
    config: &Config,
    settings: &keydesk_control::Settings,
    upstreams: Vec<UpstreamSettings>,
    token_service: TokenService,
) -> keydesk_gateway::Settings {
    let integrations = config.integrations.clone();
    keydesk_gateway::Settings {
        public_url: settings.gateway_url.clone(),
        has_own_name: config.public_gateway_url.is_some(),
        console_url: settings.console_url.clone(),
        provider_contact: config.requests.provider_contact.clone(),
        console_origins: settings.console_origins().map(str::to_owned).collect(),
        upstreams,
        forms: config.forms,
        reserved_prefix: config.reserved_prefix.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        limits: config.limits,
        signing_key: config.signing_key.clone(),
        self_service: SelfService { app: Some(token_service), ..integrations.self_service },
        introspection: integrations.introspection,
        fronts: integrations.fronts,
        front_cache: integrations.front_cache,
        rejects_method_override: integrations.rejects_method_override,
        token_places: config.requests.token_places,
        cors: config.requests.cors.clone(),
        keeps_request_ids: config.requests.keep_ids,
        health_check_path: config.observe.health_check_path.clone(),
    }
}

/// Returns the configured upstreams, or the sample API if none is configured.
async fn upstreams(config: &Config, gateway: SocketAddr) -> anyhow::Result<Vec<UpstreamSettings>> {
    let mut upstreams = config.upstreams.clone();
    match &config.upstream {
        Some(upstream) => upstreams.push(UpstreamSettings::single(upstream.clone())),
        None if upstreams.is_empty() => {
            upstreams.push(UpstreamSettings::single(start_sample(&config.data).await?));
        }
        None => {}
    }
    let mut servers = upstreams.iter().flat_map(|upstream| &upstream.servers);
    if let Some(own) = servers.find(|server| names(server, gateway)) {
        bail!("upstream: {own} is the gateway itself; set the URL of the API");
    }
    Ok(upstreams)
}

/// Returns whether a URL refers to this address.
fn names(url: &http::Uri, addr: SocketAddr) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse() == Ok(addr.ip());
    is_here && url.port_u16() == Some(addr.port())
}

/// Starts the sample API on a random loopback port.
async fn start_sample(data: &Path) -> anyhow::Result<http::Uri> {
    let router = keydesk_sample::router(&data.join("sample-api.sqlite"))
        .await
        .context("the sample API's storage cannot be opened")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = format!("http://{}", listener.local_addr()?).parse()?;
    tokio::spawn(keydesk_sample::serve(listener, router));
    Ok(upstream)
}

/// Logs a warning at start if the upstream is unreachable: it may start later, but the URL may also be misspelled.
async fn try_upstream(upstream: http::Uri) {
    let port = upstream.port_u16().unwrap_or(if upstream.scheme_str() == Some("https") {
        443
    } else {
        80
    });
    let host = upstream.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let connect = tokio::net::TcpStream::connect((host, port));
    match tokio::time::timeout(Duration::from_secs(5), connect).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(%upstream, %error, "the upstream cannot be reached yet; requests get 502");
        }
        Err(_) => tracing::warn!(%upstream, "the upstream does not answer yet; requests get 502"),
    }
}

pub fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    Ok(match &config.mail {
        _ if !config.role.has_console() => Mailer::Off,
        Some(smtp) => Mailer::smtp(smtp, &config.outbound)?,
        None if config.is_local() => Mailer::mailbox(),
        None => {
            tracing::warn!(
                "no [mail] is configured: invitations and password resets cannot be sent"
            );
            Mailer::Off
        }
    })
}

/// Only nodes with the key can create secrets.
fn warn_of_rotation(config: &Config, store: &Store) {
    if config.integrations.self_service.rotate && !config.role.has_console() && store.is_shared() {
        tracing::warn!(
            "self_service.rotate: a node without a console cannot make secrets; tokens that rotate themselves here are answered 503"
        );
    }
}

/// Prints the addresses of all listeners.
fn announce(config: &Config, settings: &keydesk_control::Settings) {
    let below = if settings.account_in_path { "/{account number}" } else { "" };
    print_line!("Keydesk {}", env!("CARGO_PKG_VERSION"));
    if config.role.has_console() {
        print_line!(
            "  Console   {}{}",
            settings.console_url,
            listens(&settings.console_url, config.console.first())
        );
    }
    if config.role.has_gateway() {
        let listens = listens(&settings.gateway_url, config.gateway.first());
        print_line!("  Gateway   {}{below}{listens}", settings.gateway_url);
        announce_upstreams(config);
        if !is_protected(&settings.gateway_url, &config.gateway) {
            tracing::warn!(
                "the gateway is reachable from other machines over plain http: tokens travel in clear"
            );
        }
    }
    print_line!("  Data      {}", config.data.display());
    if let DatabaseUrl::Postgres(place) = &config.store {
        print_line!("  Database  {place}");
    }
}

/// Returns the listening address if the public URL doesn't show it.
fn listens(url: &str, addr: SocketAddr) -> String {
    if url.ends_with(&format!(":{}", addr.port())) || addr.port() == 0 {
        String::new()
    } else {
        format!(" (listens on {addr})")
    }
}

fn announce_upstreams(config: &Config) {
    if let Some(upstream) = &config.upstream {
        print_line!("  Upstream  {upstream}");
    } else if config.upstreams.is_empty() {
        print_line!("  Upstream  the built-in sample API (set your own with --upstream)");
    }
    for upstream in &config.upstreams {
        let servers: Vec<_> = upstream.servers.iter().map(ToString::to_string).collect();
        print_line!("  Upstream  {} at {}", upstream.prefix, servers.join(", "));
        if upstream.prefix != "/" {
            let [from, to] = example(upstream);
            print_line!("            {from} goes to {to}");
        }
    }
}

/// Returns an example path and its upstream URL, because forwarding of the prefix is a common mistake.
fn example(upstream: &UpstreamSettings) -> [String; 2] {
    let prefix = upstream.prefix.trim_end_matches('/');
    let server = upstream.servers.first().map(ToString::to_string).unwrap_or_default();
    let server = server.trim_end_matches('/');
    let passed = if upstream.strips_prefix { "" } else { prefix };
    [format!("{prefix}/x"), format!("{server}{passed}/x")]
}

/// Prints how to create the first account if there is none.
async fn offer_setup(app: Option<&AppState>) -> anyhow::Result<()> {
    let Some(app) = app else { return Ok(()) };
    if let Some(link) = app.offer_setup().await? {
        print_line!(
            "\nSet up Keydesk with this link. You become its operator, and the owner of a first account to try it \
             with. The link works once, for an hour:\n\n  {link}\n"
        );
    }
    Ok(())
}

fn is_protected(gateway_url: &str, listens_on: &Addresses) -> bool {
    listens_on.are_loopback() || gateway_url.starts_with("https:")
}

async fn stops(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Reports counted requests until the node stops.
async fn report(
    mut counts: Counts,
    stopped: watch::Receiver<bool>,
    background: Background,
) -> Counts {
    let row = background.add(&background::USAGE);
    while tokio::time::timeout(REPORT, stops(stopped.clone())).await.is_err() {
        counts.report().await;
        background.note(row, Ok(()));
    }
    counts
}

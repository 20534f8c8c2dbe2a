//! Entry points for fuzz targets: each takes any bytes and panics if an invariant is broken. Not part of the served
//! code.

use crate::{
    Forms, LiveTable, Presented, Records, Rejection, Settings, UpstreamSettings,
    arrival::RequestIds,
    io::{Io, PROBE},
    observe::{Notices, Observer, TraceIds, WorkerMetrics},
    serve::Connection,
    target::Target,
    upstream::{UpstreamMetrics, Upstreams, make_routes},
    worker::{self, Worker},
};
use keydesk_model::{
    AccountId, AccountNumber, Clock, Feed, IpAllowlist, LiveSecret, ScopeSet, Snapshot, Timestamp,
    TokenId, TokenOwner, TrustedProxies,
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::{
    cell::RefCell,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, LazyLock},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::watch,
};

const NOW: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);
const ACCOUNT: &str = "385403";

/// The one valid token.
static TOKEN: LazyLock<PlainToken> =
    LazyLock::new(|| PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(1)));

/// Checks that an accepted value of `Authorization` has only one reading.
pub fn authorization(value: &[u8]) {
    let Ok(presented) = Presented::in_field(Some(value), 1) else { return };
    let text = std::str::from_utf8(value).expect("a token is ASCII");
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    assert!(matches!(words[..], [scheme, _] if scheme.eq_ignore_ascii_case("bearer")), "{text:?}");
    let canonical = format!("Bearer {}", words[1]);
    let again = Presented::in_field(Some(canonical.as_bytes()), 1).expect("is as good");
    assert_eq!(presented.0, again.0);
    let twice = Presented::in_field(Some(value), 2).err();
    assert_eq!(twice, Some(Rejection::DuplicateAuthorization));
}

/// Checks that an accepted token has the documented format, character by character.
pub fn token(bytes: &[u8]) {
    let accepted = PlainToken::hash_presented_bytes(bytes).is_ok();
    let parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'_').collect();
    let is_shape = matches!(parts[..], [prefix, kind, body]
        if (2..=16).contains(&prefix.len())
            && prefix[0].is_ascii_lowercase()
            && prefix.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && matches!(kind, b"u" | b"a")
            && body.len() == 38
            && body.iter().all(u8::is_ascii_alphanumeric));
    assert!(is_shape || !accepted, "{bytes:?}");
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(PlainToken::parse(text).is_ok(), accepted);
    }
}

/// Checks that an accepted request target is forwarded unchanged, and that no decoding of it leaves the root.
pub fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for forms in [Forms { path: true, token: false }, Forms { path: true, token: true }] {
        let Ok(target) = Target::of(text, forms) else { continue };
        // Spellings beyond the default must be enabled by an upstream.
        if !target.spellings.is_empty() {
            continue;
        }
        assert!(text.contains(target.path) || target.path == "/", "{text:?}: {target:?}");
        assert!(target.path.starts_with('/') && !target.path.contains("//"), "{text:?}");
        let mut decoded = target.path.as_bytes().to_vec();
        for _ in 0..3 {
            for segment in decoded.split(|byte| *byte == b'/') {
                let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
                assert!(name != b"." && name != b"..", "{text:?} climbs as {decoded:?}");
            }
            assert!(!decoded.contains(&0) && !decoded.contains(&b'\\'), "{text:?}");
            decoded = decode(&decoded);
        }
    }
}

/// Decodes as a lenient server does: invalid escapes stay.
fn decode(bytes: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two digits"));
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Checks that only trusted hops of `X-Forwarded-For` are trusted, up to the first untrusted one.
pub fn forwarded(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let stranger: IpAddr = "203.0.113.7".parse().expect("an address");
    assert_eq!(trusted.client_ip(stranger, lines.iter().copied()), stranger);
    let proxy: IpAddr = "10.0.0.1".parse().expect("an address");
    let found = trusted.client_ip(proxy, lines.iter().copied());
    // The result is the proxy itself or a named address, and nothing to the left of an untrusted hop.
    let hops: Vec<IpAddr> = lines
        .iter()
        .flat_map(|line| line.split(|byte| *byte == b','))
        .rev()
        .map_while(|hop| {
            let hop = std::str::from_utf8(hop).ok()?.trim();
            let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|addr| addr.ip());
            bare.unwrap_or(hop).parse::<IpAddr>().ok().or_else(with_port)
        })
        .map(|hop| hop.to_canonical())
        .collect();
    let expected = hops.iter().position(|hop| !trusted.contains(*hop));
    let expected = expected.map(|at| hops[at]).or(hops.last().copied()).unwrap_or(proxy);
    assert_eq!(found, expected, "{lines:?}");
}

/// The requests that the upstream got.
type Seen = Rc<RefCell<Vec<Vec<u8>>>>;

/// A stage that never changes.
static SERVING: LazyLock<watch::Sender<worker::Stage>> = LazyLock::new(watch::Sender::default);

thread_local! {
    static STAGE: Stage = Stage::new();
}

struct Stage {
    runtime: LocalRuntime,
    worker: Rc<Worker>,
}

impl Stage {
    fn new() -> Self {
        let options = LocalOptions::default();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build_local(options)
            .expect("a runtime");
        Self { worker: runtime.block_on(async { Rc::new(worker()) }), runtime }
    }
}

fn worker() -> Worker {
    let entropy = Entropy::seeded(2);
    let table = Arc::new(LiveTable::default());
    let secret = LiveSecret {
        hash: TOKEN.hash(),
        token: TokenId::generate(NOW, &entropy),
        account: AccountId::generate(NOW, &entropy),
        number: ACCOUNT.parse::<AccountNumber>().expect("a number"),
        token_owner: TokenOwner::Account,
        name: "probe".to_owned(),
        scopes: ScopeSet::everything(),
        expires_at: None,
        revocation: None,
        ip_allowlist: IpAllowlist::default(),
        observed: None,
        closing: None,
        restored_from: None,
    };
    table.load(Snapshot::new(1, vec![secret]));
    let upstream = UpstreamSettings::single("http://127.0.0.1:9/base".parse().expect("a URL"));
    let settings = Settings {
        console_origins: vec!["http://console".to_owned()],
        rejects_method_override: true,
        ..Settings::in_front_of(vec![upstream], "http://gateway", "http://console")
    };
    let metrics = [Arc::<UpstreamMetrics>::default()];
    let routes = make_routes(&settings, &metrics).expect("is valid");
    let settings = Arc::new(settings);
    Worker {
        meter: table.meter(),
        upstreams: Upstreams::new(Arc::new(routes)),
        observer: Rc::new(Observer {
            metrics: Arc::new(WorkerMetrics::new(1)),
            records: Records::default(),
            trace_ids: TraceIds::new(&entropy),
            notices: Notices::default(),
            ended: table.ended_log(),
            endings: RefCell::default(),
        }),
        stage: SERVING.subscribe(),
        request_ids: RequestIds::new(&entropy),
        clock: Clock::new(|| NOW),
        settings,
        table,
    }
}

/// Opens a connection to an upstream that keeps what it gets.
fn connect(seen: &Seen) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::task::spawn_local(record(theirs, Rc::clone(seen)));
    ours
}

/// Keeps whole requests and the remainder at the end, and answers each with a mark.
async fn record(mut stream: DuplexStream, seen: Seen) {
    let mut bytes = Vec::new();
    loop {
        if let Some(request) = Upstreamed::read(&bytes) {
            seen.borrow_mut().push(bytes.drain(..request.length).collect());
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-mark: upstream\r\n\r\n";
            let _ = stream.write_all(answer).await;
            continue;
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&more[..count]),
            _ => return,
        }
    }
}

/// A request as the upstream receives it, parsed as simply as possible.
struct Upstreamed {
    line: String,
    fields: Vec<(String, String)>,
    length: usize,
}

impl Upstreamed {
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        // Decoded byte for byte, because fields can contain bytes outside ASCII.
        let text: String = bytes[..head - 4].iter().copied().map(char::from).collect();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let all = |name: &str| {
            fields
                .iter()
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
        };
        let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
        let body = match (&lengths[..], &codings[..]) {
            ([], []) => 0,
            ([length], []) => length.parse().expect("a plain number"),
            ([], ["chunked"]) => chunks(&bytes[head..])?,
            _ => panic!("two framings: {text:?}"),
        };
        (bytes.len() >= head + body).then_some(Self { line, fields, length: head + body })
    }
}

/// Returns the length of chunks as the gateway writes them: a size, a line, data, a line, and no trailers.
fn chunks(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + bytes[at..].windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..end]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a size and nothing else");
        at = end + 2 + size + 2;
        if bytes.len() < at {
            return None;
        }
        assert_eq!(&bytes[at - 2..at], b"\r\n");
        if size == 0 {
            return Some(at);
        }
    }
}

/// Checks a whole connection with any bytes, in which `@` stands for the valid token. One accepted request must be one
/// request at the upstream, with one set of the gateway's fields.
pub fn http1(input: &[u8]) {
    let mut bytes = Vec::with_capacity(input.len() + 64);
    for byte in input {
        match byte {
            b'@' => bytes.extend_from_slice(TOKEN.expose().as_bytes()),
            byte => bytes.push(*byte),
        }
    }
    let (answers, requests) = STAGE.with(|stage| stage.play(&bytes));
    let marks = answers.windows(16).filter(|window| window == b"x-mark: upstream").count();
    assert!(marks <= requests.len(), "an answer nobody gave");
    for request in &requests {
        check(request, &bytes);
    }
    let secret = TOKEN.expose().as_bytes();
    let shown = answers.windows(secret.len()).any(|window| window == secret);
    assert!(!shown, "the token is echoed");
}

fn check(request: &[u8], input: &[u8]) {
    let Upstreamed { line, fields, .. } = Upstreamed::read(request).expect("was whole");
    let path = line.split(' ').nth(1).expect("a path");
    let path = path.strip_prefix("/base").expect("the path in front");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    for part in [path, query].into_iter().filter(|part| !part.is_empty() && *part != "/") {
        let is_in_input = input.windows(part.len()).any(|window| window == part.as_bytes());
        assert!(is_in_input, "{part} was not asked for");
    }
    assert_eq!(line.split(' ').count(), 3, "{line}");
    for ours in [
        "host",
        "keydesk-account",
        "keydesk-token",
        "keydesk-subject",
        "keydesk-scopes",
        "x-request-id",
        "x-forwarded-for",
        "forwarded",
    ] {
        let count = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(ours)).count();
        assert_eq!(count, 1, "{ours} in {fields:?}");
    }
    let has = |name: &str, wanted: &str| {
        fields.iter().any(|(found, value)| found == name && value == wanted)
    };
    assert!(has("keydesk-account", ACCOUNT) && has("host", "127.0.0.1:9"));
    for gone in ["authorization", "connection", "te", "trailer", "upgrade", "expect"] {
        let is_there = fields
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case(gone) && !is_websocket(gone, value));
        assert!(!is_there, "{gone} in {fields:?}");
    }
    let folded =
        |name: &str| name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let names: Vec<String> = fields.iter().map(|(name, _)| folded(name)).collect();
    let spellings = names.iter().filter(|name| name.starts_with("keydesk-")).count();
    assert_eq!(spellings, 4, "{fields:?}");
}

fn is_websocket(name: &str, value: &str) -> bool {
    matches!((name, value), ("connection", "upgrade") | ("upgrade", "websocket"))
}

impl Stage {
    fn play(&self, bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let seen = Seen::default();
        let upstream = Rc::clone(&seen);
        PROBE.with(|probe| *probe.borrow_mut() = Some(Rc::new(move || connect(&upstream))));
        let peer = IpAddr::from([127, 0, 0, 1]);
        let answers = self.runtime.block_on(async {
            let (client, gateway) = tokio::io::duplex(1 << 20);
            let connection = Connection::new(Rc::clone(&self.worker), Io::Memory(gateway), peer);
            let serving = tokio::task::spawn_local(connection.serve());
            let (mut read, mut write) = tokio::io::split(client);
            let _ = write.write_all(bytes).await;
            let mut answers = Vec::new();
            // The clock advances only while every task is idle, so timeouts take no time.
            let _ = read.read_to_end(&mut answers).await;
            drop((read, write));
            let _ = serving.await;
            answers
        });
        let requests = seen.borrow().clone();
        (answers, requests)
    }
}

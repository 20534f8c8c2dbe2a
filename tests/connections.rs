//! T38: one address, or many, that hold the console's connections keep nobody with a session out.

use crate::support::{Keydesk, PASSWORD, PATIENCE, User, raw};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// A connection from this address of the machine.
async fn connect_from(own: &str, to: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{own}:0").parse().expect("an address")).expect("binds");
    let to = to.trim_start_matches("http://").parse().expect("an address");
    socket.connect(to).await.expect("connects")
}

/// Whether a request on it is answered.
async fn is_served(stream: &mut TcpStream, console: &str, cookie: &str) -> bool {
    let host = console.trim_start_matches("http://");
    let request = format!("GET /login HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = [0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await;
    matches!(read, Ok(Ok(count)) if answer[..count].starts_with(b"HTTP/1.1 "))
}

/// Each connection needs a descriptor here, too.
fn allow_many_connections() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised);
}

#[tokio::test]
async fn t38_one_address_does_not_shut_the_console() {
    let keydesk = Keydesk::start();
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(connect_from("127.0.0.2", &keydesk.console).await);
    }
    let mut served = 0;
    for stream in &mut held {
        served += u32::from(is_served(stream, &keydesk.console, "").await);
    }
    assert_eq!(served, 64, "the share of one address");
    let mut other = connect_from("127.0.0.3", &keydesk.console).await;
    assert!(is_served(&mut other, &keydesk.console, "").await);
}

#[tokio::test]
async fn t38_strangers_at_many_addresses_keep_nobody_out() {
    allow_many_connections();
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let mut ann = connect_from("127.0.0.2", &keydesk.console).await;
    let host = keydesk.console.trim_start_matches("http://").to_owned();
    let form = format!("email=ann%40acme.example&password={}", PASSWORD.replace(' ', "+"));
    let log_in = format!(
        "POST /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = raw::converse_until_closed(&host, log_in.as_bytes()).await;
    let name = format!("{}=", keydesk.cookie_name());
    let cookie = answer.split(&name).nth(1).and_then(|rest| rest.split(';').next());
    let cookie = format!("{name}{}", cookie.expect("a session"));
    let host_line = format!("GET /api-docs HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
    ann.write_all(host_line.as_bytes()).await.expect("writes");
    let mut page = vec![0; 64 * 1024];
    let count = ann.read(&mut page).await.expect("reads");
    assert!(page[..count].starts_with(b"HTTP/1.1 200"));
    // Read what is left of the page.
    while tokio::time::timeout(std::time::Duration::from_millis(300), ann.read(&mut page))
        .await
        .is_ok_and(|read| read.is_ok_and(|count| count > 0))
    {}
    let mut strangers = Vec::new();
    for number in 0..1_100_u32 {
        let from = format!("127.0.{}.{}", 1 + number / 50, 10 + number % 50);
        let mut stream = connect_from(&from, &keydesk.console).await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("writes");
        strangers.push(stream);
    }
    assert!(is_served(&mut ann, &keydesk.console, &cookie).await, "her connection is still there");
    let bea = User::visiting(&keydesk.console);
    assert_eq!(bea.get("/login").await.status, 200, "a stranger's place goes to who comes");
}

//! The API that everybody forwards to, and who answers `auth_request` and `forward_auth`: as little
//! work as possible, on a thread of its own.

use std::{collections::HashSet, net::SocketAddr, net::TcpListener, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Answers `/bytes/N` with N bytes, `/auth` with 204 for a known token, anything else with 200
/// bytes. Bodies are read and thrown away.
pub fn start(tokens: HashSet<String>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || runtime.block_on(serve(listener, Arc::new(tokens))));
    Ok(addr)
}

async fn serve(listener: TcpListener, tokens: Arc<HashSet<String>>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move {
            let _ = answer(&mut stream, &tokens).await;
        });
    }
}

fn answer_of(length: usize) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + length, b'x');
    answer
}

async fn answer(stream: &mut TcpStream, tokens: &HashSet<String>) -> std::io::Result<()> {
    let usual = answer_of(200);
    let mut large = (0, Vec::new());
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let head = loop {
            if let Some(head) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                break head + 4;
            }
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                count => filled += count,
            }
        };
        let text = std::str::from_utf8(&buffer[..head]).unwrap_or_default();
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        let is_known = path != "/auth"
            || field(text, "authorization")
                .is_some_and(|value| tokens.contains(value.trim_start_matches("Bearer ")));
        let mut body: usize =
            field(text, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        let chunked = body == 0 && field(text, "transfer-encoding").is_some();
        let here = body.min(filled - head);
        body -= here;
        buffer.copy_within(head + here..filled, 0);
        filled -= head + here;
        while body > 0 {
            let most = body.min(buffer.len());
            match stream.read(&mut buffer[..most]).await? {
                0 => return Ok(()),
                count => body -= count,
            }
        }
        while chunked && !buffer[..filled].ends_with(b"0\r\n\r\n") {
            if filled > 1024 {
                buffer.copy_within(filled - 16..filled, 0);
                filled = 16;
            }
            filled += stream.read(&mut buffer[filled..]).await?;
        }
        if chunked {
            filled = 0;
        }
        let wanted = path.split("/bytes/").nth(1).and_then(|n| n.parse().ok());
        if let Some(length) = wanted.filter(|length| *length != large.0) {
            large = (length, answer_of(length));
        }
        let answer: &[u8] = match (is_known, wanted) {
            (false, _) => b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            (true, _) if path == "/auth" => b"HTTP/1.1 204 No Content\r\n\r\n",
            (true, None) => &usual,
            (true, Some(_)) => &large.1,
        };
        stream.write_all(answer).await?;
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

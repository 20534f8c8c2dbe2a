//! Syslog messages (RFC 5424) over TLS (RFC 5425) or, to this machine, over TCP (RFC 6587), each preceded by its length.
//!
//! Syslog has no acknowledgment. Therefore each batch has a connection of its own, which the sender closes first: a
//! server that then closes it, too, has received the batch.

use crate::webhooks::audit_message;
use keydesk_outbound::Outbound;
use keydesk_store::LoggedEvent;
use std::{fmt, io, net::IpAddr, str::FromStr, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// The time for which a batch may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Facility 13 (log audit), severity 6 (informational).
const PRIORITY: u8 = 13 * 8 + 6;
/// The maximum length of the message ID.
const MESSAGE_ID: usize = 32;

/// A syslog server: `tls://host:6514`, or `tcp://127.0.0.1:601` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogServer {
    host: String,
    port: u16,
    is_tls: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SyslogError {
    #[error("a URL such as tls://logs.example.com:6514, or tcp:// with a loopback address")]
    Url,
    #[error("failed to send to the syslog server {server}: {source}")]
    Unsent { server: String, source: io::Error },
    #[error("the syslog server {server} did not respond in time")]
    Late { server: String },
}

impl fmt::Display for SyslogServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "tls" } else { "tcp" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl FromStr for SyslogServer {
    type Err = SyslogError;

    fn from_str(text: &str) -> Result<Self, SyslogError> {
        let url = url::Url::parse(text).map_err(|_| SyslogError::Url)?;
        let host = url.host_str().ok_or(SyslogError::Url)?.trim_matches(['[', ']']).to_owned();
        let is_here = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let (is_tls, port) = match url.scheme() {
            "tls" => (true, 6514),
            "tcp" if is_here => (false, 601),
            _ => return Err(SyslogError::Url),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), is_tls })
    }
}

impl SyslogServer {
    pub(super) async fn send(
        &self,
        outbound: &Outbound,
        from: &str,
        events: &[LoggedEvent],
    ) -> Result<(), SyslogError> {
        let server = self.to_string();
        let frames: Vec<u8> =
            events.iter().flat_map(|event| frame(&message(from, event))).collect();
        let sending = async {
            if self.is_tls {
                deliver(outbound.connect_tls(&self.host, self.port).await?, &frames).await
            } else {
                let address = (self.host.as_str(), self.port);
                deliver(tokio::net::TcpStream::connect(address).await?, &frames).await
            }
        };
        match tokio::time::timeout(TIMEOUT, sending).await {
            Ok(sent) => sent.map_err(|source| SyslogError::Unsent { server, source }),
            Err(_) => Err(SyslogError::Late { server }),
        }
    }
}

/// Sends a batch and waits until the server has closed the connection.
async fn deliver(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    frames: &[u8],
) -> Result<(), io::Error> {
    stream.write_all(frames).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    match tokio::io::copy(&mut stream, &mut tokio::io::sink()).await {
        // Many servers close without a closing message of TLS.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        read => read.map(|_| ()),
    }
}

fn frame(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

/// Returns an entry as a message: its number as the sequence ID, and the entry as JSON.
fn message(from: &str, event: &LoggedEvent) -> String {
    let id: String = event.event.chars().take(MESSAGE_ID).collect();
    // The sequence ID starts again after 2147483647 (RFC 5424 section 7.3.1).
    let sequence = (event.seq - 1) % 2_147_483_647 + 1;
    let entry = audit_message(event);
    format!(
        "<{PRIORITY}>1 {} {from} keydesk - {id} [meta sequenceId=\"{sequence}\"] {entry}",
        event.at
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_reached_over_tls_unless_it_is_on_this_machine() {
        let read = |text: &str| text.parse::<SyslogServer>().ok().map(|server| server.to_string());
        assert_eq!(read("tls://logs.example.com"), Some("tls://logs.example.com:6514".to_owned()));
        assert_eq!(read("tcp://127.0.0.1:5514"), Some("tcp://127.0.0.1:5514".to_owned()));
        for other in ["tcp://logs.example.com:601", "udp://127.0.0.1", "logs.example.com", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}

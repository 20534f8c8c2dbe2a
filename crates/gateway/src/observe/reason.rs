//! The reasons why a client does not get the response it requested, with one name for the log, the metrics, and
//! `Proxy-Status` (RFC 9209), similar to Envoy's response flags. Each is listed in `docs/guide/operation.md`.

/// The party that caused a failure, which determines the log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Gateway,
    Upstream,
}

macro_rules! reasons {
    ($($variant:ident = $name:literal, $side:ident, $error:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($variant,)*
        }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub(crate) fn side(self) -> Side {
                match self {
                    $(Self::$variant => Side::$side,)*
                }
            }

            /// Returns the error type of RFC 9209 section 2.3.
            pub(crate) fn proxy_error(self) -> &'static str {
                match self {
                    $(Self::$variant => $error,)*
                }
            }
        }
    };
}

reasons! {
    // Failures before a response.
    ConnectionRefused = "connection_refused", Upstream, "connection_refused";
    ConnectionTimeout = "connection_timeout", Upstream, "connection_timeout";
    DnsError = "dns_error", Upstream, "dns_error";
    TlsError = "tls_error", Upstream, "tls_protocol_error";
    ConnectionLost = "connection_lost", Upstream, "connection_terminated";
    ResponseTimeout = "response_timeout", Upstream, "http_response_timeout";
    ResponseTooManyFields = "response_too_many_headers", Upstream, "http_response_header_section_size";
    ResponseHeadTooLarge = "response_headers_too_large", Upstream, "http_response_header_section_size";
    ResponseMalformed = "response_malformed", Upstream, "http_protocol_error";
    ResponseBadFraming = "response_invalid_framing", Upstream, "http_protocol_error";
    NotReady = "not_ready", Gateway, "proxy_internal_response";
    GatewayDisconnected = "gateway_disconnected", Gateway, "proxy_internal_response";
    TemporarilyUnavailable = "temporarily_unavailable", Gateway, "proxy_internal_response";
    // Failures in the middle of a response.
    ResponseIncomplete = "response_incomplete", Upstream, "http_response_incomplete";
    ResponseStalled = "response_stalled", Upstream, "connection_read_timeout";
    ResponseBadChunk = "response_invalid_chunk", Upstream, "http_response_transfer_coding";
    PermissionEnded = "permission_ended", Gateway, "http_request_denied";
    Shutdown = "shutdown", Gateway, "proxy_internal_error";
    ClientGone = "client_closed_request", Client, "connection_terminated";
    ClientTooSlow = "client_too_slow", Client, "connection_write_timeout";
    // Unreadable requests, and limits.
    TlsOnPlainPort = "tls_on_plain_port", Client, "http_request_error";
    MalformedRequest = "malformed_request", Client, "http_request_error";
    HeadersTooLarge = "headers_too_large", Client, "http_request_error";
    TooManyHeaders = "too_many_headers", Client, "http_request_error";
    BodyTooLarge = "body_too_large", Client, "http_request_error";
    HeaderTimeout = "header_timeout", Client, "http_request_error";
    BodyTimeout = "body_timeout", Client, "http_request_error";
    // Connections without a request.
    TlsHandshake = "tls_handshake_failed", Client, "http_request_error";
    TooManyConnections = "too_many_connections", Gateway, "connection_limit_reached";
    TooManyPerAddress = "too_many_connections_per_ip", Client, "connection_limit_reached";
}

impl Reason {
    /// Returns the index of the reason's counter.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

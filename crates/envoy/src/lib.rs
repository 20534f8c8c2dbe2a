//! Envoy's external authorization (`envoy.service.auth.v3`) over gRPC, in which Envoy asks whether to forward a
//! request. A crate of its own, built only with the feature `envoy`, because protocol buffers and gRPC take longer to
//! build than the whole gateway.

use envoy_types::{
    ext_authz::v3::pb::{
        Address, Authorization, AuthorizationServer, CheckRequest, CheckResponse,
        DeniedHttpResponse, HeaderAppendAction, HeaderValue, HeaderValueOption, HttpResponse,
        HttpStatus, OkHttpResponse,
    },
    pb::{
        envoy::service::auth::v3::{AttributeContext, attribute_context::HttpRequest},
        google::rpc,
    },
};
use keydesk_gateway::{Checker, Pass, foreign_cookies, is_withheld};
use keydesk_model::TrustedProxies;
use std::net::IpAddr;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};

/// The authorization service for Envoy.
#[derive(Debug)]
pub struct Authorizer {
    pub checker: Checker,
    /// The Envoy instances that may send requests, and whose statements about the client's address are trusted.
    pub trusted: TrustedProxies,
}

/// Serves until `stopped` resolves.
pub async fn serve(
    authorizer: Authorizer,
    listener: TcpListener,
    stopped: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .add_service(AuthorizationServer::new(authorizer))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped)
        .await
}

#[tonic::async_trait]
impl Authorization for Authorizer {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let front = request.remote_addr().map(|addr| addr.ip());
        if !front.is_some_and(|front| self.trusted.contains(front)) {
            tracing::warn!(?front, "rejected a check from an Envoy that is not in envoy.trusted");
            return Err(Status::permission_denied("this address is not in envoy.trusted"));
        }
        let attributes = request.into_inner().attributes;
        let (peer, held) = attributes.and_then(held).ok_or_else(|| {
            Status::invalid_argument("the request, or the address that it comes from, is missing")
        })?;
        let fields = fields(&held);
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
        let asked = keydesk_gateway::CheckRequest {
            method: &held.method,
            target: &held.path,
            fields: &fields,
            peer,
        };
        let answer = match self.checker.check(&asked) {
            Ok(pass) => passes(&pass, &held, &fields),
            Err(answer) => denied(&answer),
        };
        Ok(Response::new(answer))
    }
}

/// Returns the request and its source address as reported by Envoy.
fn held(attributes: AttributeContext) -> Option<(IpAddr, HttpRequest)> {
    let Address::SocketAddress(socket) = attributes.source?.address?.address? else { return None };
    Some((socket.address.parse().ok()?, attributes.request?.http?))
}

/// Returns the header fields. Envoy sends one of two forms, depending on `encode_raw_headers`; in the plain form,
/// repeated fields are joined with commas.
fn fields(held: &HttpRequest) -> Vec<(String, Vec<u8>)> {
    let raw = held.header_map.iter().flat_map(|map| &map.headers).map(|field| {
        let value = if field.raw_value.is_empty() {
            field.value.as_bytes().to_vec()
        } else {
            field.raw_value.clone()
        };
        (field.key.clone(), value)
    });
    let plain = held.headers.iter().map(|(name, value)| (name.clone(), value.as_bytes().to_vec()));
    let all: Vec<_> = raw.chain(plain).collect();
    // Pseudo-headers such as `:path` aren't fields.
    all.into_iter().filter(|(name, _)| !name.starts_with(':')).collect()
}

fn field(name: &str, value: &str, append: HeaderAppendAction) -> HeaderValueOption {
    // Envoy reads `value` here, never `raw_value`.
    let (key, value) = (name.to_owned(), value.to_owned());
    HeaderValueOption {
        header: Some(HeaderValue { key, value, raw_value: Vec::new() }),
        append_action: append.into(),
        ..HeaderValueOption::default()
    }
}

fn passes(pass: &Pass, held: &HttpRequest, fields: &[(&str, &[u8])]) -> CheckResponse {
    let ours = pass.identity();
    // The console may share the host, and cookies aren't isolated by port.
    let cookies = || fields.iter().filter(|(name, _)| *name == "cookie").map(|(_, value)| *value);
    let kept = foreign_cookies(cookies());
    let drops_cookies = kept.is_none() && cookies().next().is_some();
    // Headers that Keydesk sets are overwritten, not removed, because Envoy removes headers last.
    let mut headers_to_remove: Vec<_> = fields
        .iter()
        .filter(|(name, _)| is_withheld(name) && ours.iter().all(|(our, _)| our != name))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if drops_cookies {
        headers_to_remove.push("cookie".to_owned());
    }
    // The checked path is the one that is forwarded.
    let query = held.path.split_once('?').map(|(_, query)| format!("?{query}"));
    let path = format!("{}{}", pass.path, query.unwrap_or_default());
    let overwrite = HeaderAppendAction::OverwriteIfExistsOrAdd;
    let mut headers: Vec<_> =
        ours.iter().map(|(name, value)| field(name, value, overwrite)).collect();
    headers.push(field(":path", &path, overwrite));
    // This protocol requires text, so invalid bytes are replaced.
    headers.extend(kept.map(|kept| field("cookie", &String::from_utf8_lossy(&kept), overwrite)));
    let added = pass
        .added
        .iter()
        .map(|(name, value)| field(name, value, HeaderAppendAction::AppendIfExistsOrAdd));
    let ok = OkHttpResponse {
        headers,
        headers_to_remove,
        response_headers_to_add: added.collect(),
        ..OkHttpResponse::default()
    };
    answer(Code::Ok, HttpResponse::OkResponse(ok))
}

fn denied(refusal: &http::Response<impl AsRef<[u8]>>) -> CheckResponse {
    let overwrite = HeaderAppendAction::OverwriteIfExistsOrAdd;
    let headers = refusal.headers().iter().map(|(name, value)| {
        field(name.as_str(), &String::from_utf8_lossy(value.as_bytes()), overwrite)
    });
    let denied = DeniedHttpResponse {
        status: Some(HttpStatus { code: i32::from(refusal.status().as_u16()) }),
        headers: headers.collect(),
        body: String::from_utf8_lossy(refusal.body().as_ref()).into_owned(),
    };
    answer(Code::PermissionDenied, HttpResponse::DeniedResponse(denied))
}

fn answer(code: Code, response: HttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(rpc::Status { code: code.into(), ..rpc::Status::default() }),
        dynamic_metadata: None,
        http_response: Some(response),
    }
}

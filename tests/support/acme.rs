//! An ACME server (RFC 8555) of the test's own: it looks at the gateway by TLS-ALPN as a real one
//! does, and signs with an authority of its own.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone)]
pub struct AcmeServer {
    pub directory: String,
    /// The authority in PEM: of its own certificate, and of those that it signs.
    pub authority: String,
    base: String,
    state: Arc<Mutex<Orders>>,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

#[derive(Default)]
struct Orders {
    /// Where the names lead to that it looks at.
    gateway: Option<String>,
    nonces: HashSet<String>,
    count: usize,
    thumbprint: String,
    domain: String,
    is_proven: bool,
    certificate: Option<String>,
    pub issued: usize,
}

/// The payload of a request, whose nonce must be one of ours and not used before.
struct Signed {
    header: Value,
    payload: Value,
}

impl AcmeServer {
    pub async fn start() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("signs").pem();
        let issuer = Issuer::new(params, key);
        let own_key = KeyPair::generate().expect("a key");
        let own = CertificateParams::new(vec!["localhost".to_owned()]).expect("params");
        let own = own.signed_by(&own_key, &issuer).expect("signs");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base =
            format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let server = Self {
            directory: format!("{base}/directory"),
            authority,
            base,
            state: Arc::default(),
            issuer: Arc::new(issuer),
        };
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::Pkcs8(own_key.serialize_der().into()),
            )
            .expect("fits");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let router = server.router();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, router.clone()));
            }
        });
        server
    }

    pub fn looks_at(&self, gateway: &str) {
        self.orders().gateway = Some(gateway.to_owned());
    }

    pub fn issued(&self) -> usize {
        self.orders().issued
    }

    fn orders(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.state.lock().expect("not poisoned")
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/directory", get(directory))
            .route(
                "/nonce",
                get(async |State(server): State<Self>| server.answer(200, None, &json!({}))),
            )
            .route("/{step}", post(step))
            .with_state(self.clone())
    }

    fn answer(&self, status: u16, location: Option<&str>, body: &Value) -> Response {
        let mut orders = self.orders();
        orders.count += 1;
        let nonce = format!("nonce-{}", orders.count);
        orders.nonces.insert(nonce.clone());
        let mut headers = HeaderMap::new();
        headers.insert("replay-nonce", nonce.parse().expect("a value"));
        headers.insert("content-type", "application/json".parse().expect("a value"));
        if let Some(place) = location {
            headers.insert("location", format!("{}/{place}", self.base).parse().expect("a value"));
        }
        (StatusCode::from_u16(status).expect("a status"), headers, body.to_string()).into_response()
    }

    fn read(&self, body: &[u8], step: &str) -> Signed {
        let jws: Value = serde_json::from_slice(body).expect("a JWS");
        let part =
            |name: &str| BASE64.decode(jws[name].as_str().expect("text")).expect("base64url");
        let header: Value = serde_json::from_slice(&part("protected")).expect("JSON");
        let nonce = header["nonce"].as_str().expect("a nonce");
        assert!(self.orders().nonces.remove(nonce), "each nonce is for one request");
        assert_eq!(header["url"], format!("{}/{step}", self.base), "the URL is signed too");
        let payload = part("payload");
        let payload = if payload.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&payload).expect("JSON")
        };
        Signed { header, payload }
    }

    fn order(&self) -> Value {
        let orders = self.orders();
        let status = match (orders.is_proven, &orders.certificate) {
            (_, Some(_)) => "valid",
            (true, None) => "ready",
            _ => "pending",
        };
        let certificate = orders.certificate.as_ref().map(|_| format!("{}/certificate", self.base));
        json!({
            "status": status,
            "identifiers": [{ "type": "dns", "value": orders.domain }],
            "authorizations": [format!("{}/authorization", self.base)],
            "finalize": format!("{}/finalize", self.base),
            "certificate": certificate,
        })
    }

    fn challenge(&self) -> Value {
        let status = if self.orders().is_proven { "valid" } else { "pending" };
        json!({ "type": "tls-alpn-01", "url": format!("{}/challenge", self.base), "token": "the-token", "status": status })
    }

    /// Connects as the name's visitor and looks for the digest in the certificate.
    async fn look(&self) {
        let (gateway, domain, thumbprint) = {
            let orders = self.orders();
            (
                orders.gateway.clone().expect("is known"),
                orders.domain.clone(),
                orders.thumbprint.clone(),
            )
        };
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let stream = TcpStream::connect(gateway).await.expect("connects");
        let name = ServerName::try_from(domain).expect("a name");
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.expect("shows a certificate");
        let session = stream.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(&b"acme-tls/1"[..]));
        let certificate: &CertificateDer = &session.peer_certificates().expect("one")[0];
        let digest = Sha256::digest(format!("the-token.{thumbprint}"));
        // The extension's value is an OCTET STRING of the digest.
        let wanted: Vec<u8> = [&[4_u8, 32][..], &digest[..]].concat();
        assert!(certificate.windows(wanted.len()).any(|window| window == wanted));
        self.orders().is_proven = true;
    }

    fn sign(&self, csr: &str) {
        let der = BASE64.decode(csr).expect("base64url");
        let request = CertificateSigningRequestParams::from_der(&der.into()).expect("a request");
        let pem = request.signed_by(&*self.issuer).expect("signs").pem();
        let mut orders = self.orders();
        orders.issued += 1;
        orders.certificate = Some(pem);
    }
}

async fn serve(acceptor: tokio_rustls::TlsAcceptor, stream: TcpStream, router: Router) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper_util::service::TowerToHyperService::new(router);
    let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
    let _ = server.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
}

async fn directory(State(server): State<AcmeServer>) -> Response {
    let base = &server.base;
    let body = json!({ "newNonce": format!("{base}/nonce"), "newAccount": format!("{base}/account"), "newOrder": format!("{base}/orders") });
    server.answer(200, None, &body)
}

async fn step(State(server): State<AcmeServer>, Path(step): Path<String>, body: Bytes) -> Response {
    let Signed { header, payload } = server.read(&body, &step);
    match step.as_str() {
        "account" => {
            let jwk = &header["jwk"];
            // RFC 7638: the members in this order and nothing between.
            let canonical = format!(
                "{{\"crv\":{},\"kty\":{},\"x\":{},\"y\":{}}}",
                jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
            );
            server.orders().thumbprint = BASE64.encode(Sha256::digest(canonical));
            server.answer(201, Some("account/1"), &json!({ "status": "valid" }))
        }
        "orders" => {
            let domain = payload["identifiers"][0]["value"].as_str().expect("a name").to_owned();
            {
                let mut orders = server.orders();
                (orders.domain, orders.is_proven, orders.certificate) = (domain, false, None);
            }
            server.answer(201, Some("order"), &server.order())
        }
        "authorization" => {
            let (domain, is_proven) = {
                let orders = server.orders();
                (orders.domain.clone(), orders.is_proven)
            };
            let status = if is_proven { "valid" } else { "pending" };
            let body = json!({ "identifier": { "type": "dns", "value": domain }, "status": status, "challenges": [server.challenge()] });
            server.answer(200, None, &body)
        }
        "challenge" => {
            server.look().await;
            server.answer(200, None, &server.challenge())
        }
        "finalize" => {
            server.sign(payload["csr"].as_str().expect("a request"));
            server.answer(200, Some("order"), &server.order())
        }
        "certificate" => {
            let certificate = server.orders().certificate.clone().expect("is signed");
            let mut answer = server.answer(200, None, &json!({})).into_parts().0;
            answer.headers.insert(
                "content-type",
                "application/pem-certificate-chain".parse().expect("a value"),
            );
            answer.headers.remove("content-length");
            Response::from_parts(answer, certificate.into())
        }
        _ => server.answer(200, None, &server.order()),
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What an ACME server looks at is signed by nobody.
#[derive(Debug)]
struct AnyCertificate;

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        // The library reads no certificate with a critical extension that it does not know.
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

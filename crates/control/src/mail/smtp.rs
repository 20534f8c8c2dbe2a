//! The connection to the mail server and the format of messages (RFC 5322, RFC 2045). Messages are plain text. ASCII is
//! sent unencoded, so that mail readers don't break links.

use super::Mail;
use keydesk_model::Email;
use keydesk_outbound::{Outbound, whole};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Body, Mailbox,
        header::{
            ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0,
        },
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        response::Severity,
    },
};
use std::time::{Duration, UNIX_EPOCH};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of the mail server.
#[derive(Clone)]
pub struct SmtpSettings {
    /// The URL: `smtps://host:465` for implicit TLS, `smtp://host:587` for STARTTLS.
    pub server: String,
    pub user: Option<String>,
    pub password: Option<String>,
    /// The sender, such as `Acme API <api@acme.example>`.
    pub from: String,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let server = self.server.rsplit('@').next().unwrap_or_default();
        write!(f, "SmtpSettings({server})")
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error("is not an address such as \"Acme API <api@acme.example>\"")]
    From,
    #[error("is not a URL such as \"smtps://mail.example.com:465\"")]
    Server,
    #[error("says tls={0}; use tls=required, tls=opportunistic or tls=none")]
    Tls(String),
}

/// The reason why an email wasn't accepted.
#[derive(Debug)]
pub(super) struct NotTaken {
    pub why: String,
    /// Whether the server has rejected it permanently (5yz), so that retrying doesn't help.
    pub is_final: bool,
}

#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// The header of automatic email, which suppresses automatic replies (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl SmtpSettings {
    /// Checks that the settings are usable.
    pub fn check(&self) -> Result<(), MailError> {
        from(&self.from)?;
        self.tls(Outbound::new(None).as_ref().ok()).map(|_| ())
    }

    fn url(&self) -> Result<Url, MailError> {
        let url = Url::parse(&self.server).map_err(|_| MailError::Server)?;
        let is_smtp = matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some();
        if is_smtp { Ok(url) } else { Err(MailError::Server) }
    }

    /// Returns the credentials from the configuration or the URL.
    fn credentials(&self, url: &Url) -> Option<(String, String)> {
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            return Some((user.clone(), password.clone()));
        }
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        Some((decode(url.username()), decode(url.password()?)))
    }

    /// Returns the TLS mode. Connections to other machines are encrypted unless the URL says `tls=none`, because email
    /// contains links that log users in.
    fn tls(&self, outbound: Option<&Outbound>) -> Result<Tls, MailError> {
        let url = self.url()?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let mut parameters = TlsParameters::builder(host);
        for certificate in outbound.into_iter().flat_map(Outbound::added_certificates) {
            if let Ok(certificate) = Certificate::from_der(certificate.to_vec()) {
                parameters = parameters.add_root_certificate(certificate);
            }
        }
        let parameters = parameters.build().map_err(|_| MailError::Server)?;
        let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        match (url.scheme(), asked.as_deref()) {
            ("smtps", _) => Ok(Tls::Wrapper(parameters)),
            (_, Some("required")) => Ok(Tls::Required(parameters)),
            (_, Some("opportunistic")) => Ok(Tls::Opportunistic(parameters)),
            (_, Some("none")) => Ok(Tls::None),
            (_, Some(other)) => Err(MailError::Tls(other.to_owned())),
            (_, None) if is_here => Ok(Tls::None),
            (_, None) => Ok(Tls::Required(parameters)),
        }
    }
}

/// Parses the sender, with the domain in ASCII, because few servers accept others.
fn from(text: &str) -> Result<Mailbox, MailError> {
    let mailbox: Mailbox = text.parse().map_err(|_| MailError::From)?;
    let email: Email = mailbox.email.to_string().parse().map_err(|_| MailError::From)?;
    let address: Address = email.for_smtp().parse().map_err(|_| MailError::From)?;
    Ok(Mailbox::new(mailbox.name, address))
}

impl Smtp {
    pub fn new(settings: &SmtpSettings, outbound: &Outbound) -> Result<Self, MailError> {
        let from = from(&settings.from)?;
        let (url, tls) = (settings.url()?, settings.tls(Some(outbound))?);
        let port = url.port().unwrap_or(match &tls {
            Tls::Wrapper(_) => 465,
            Tls::None => 25,
            _ => 587,
        });
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = settings.credentials(&url) {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Connects and logs in, and returns why that failed.
    pub(super) async fn connect(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server didn’t answer".to_owned()),
            Err(error) => Err(whole(&error)),
        }
    }

    /// Sends an email. `id` is the same for each attempt, so that a mail reader shows the message once.
    pub(super) async fn hand_over(&self, mail: &Mail, id: &str) -> Result<(), NotTaken> {
        let message = self.message(mail, id).map_err(|why| NotTaken { why, is_final: true })?;
        let Err(error) = self.transport.send(message).await else { return Ok(()) };
        let why = whole(&error);
        let severity = error.status().map(|code| code.severity);
        let is_rejected = severity == Some(Severity::PermanentNegativeCompletion);
        // A wrong password or a policy that an operator can correct (5.7.x) doesn't concern the recipient.
        let is_policy = why.contains(" 5.7.") || why.contains("(5.7.") || why.contains(": 5.7.");
        let is_final = is_rejected && !is_policy && self.transport.test_connection().await.is_ok();
        Err(NotTaken { why, is_final })
    }

    fn message(&self, mail: &Mail, id: &str) -> Result<Message, String> {
        let email: Email = mail.to.parse().map_err(|_| format!("{} is no address", mail.to))?;
        let to: Address =
            email.for_smtp().parse().map_err(|error| format!("{}: {error}", mail.to))?;
        let at = UNIX_EPOCH + Duration::from_micros(mail.at.unsigned_abs());
        let text = mail.body.replace("\r\n", "\n").replace('\n', "\r\n");
        let is_plain = text.is_ascii() && text.lines().all(|line| line.len() <= 998);
        let body = if is_plain {
            Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit)
        } else {
            let encoded = Body::new_with_encoding(text, ContentTransferEncoding::Base64);
            encoded.map_err(|_| "the text cannot be encoded".to_owned())?
        };
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&mail.subject)
            .date(at)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(AutoSubmitted)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(server: &str) -> SmtpSettings {
        let from = "Acme API <api@müller.example>".to_owned();
        SmtpSettings { server: server.to_owned(), user: None, password: None, from }
    }

    #[test]
    fn a_server_beyond_this_machine_is_spoken_to_in_tls_unless_told_otherwise() {
        let tls = |server: &str| settings(server).tls(None);
        assert!(matches!(tls("smtps://mail.example.com"), Ok(Tls::Wrapper(_))));
        assert!(matches!(tls("smtp://mail.example.com"), Ok(Tls::Required(_))));
        assert!(matches!(tls("smtp://mail.example.com:25?tls=none"), Ok(Tls::None)));
        assert!(matches!(
            tls("smtp://mail.example.com?tls=opportunistic"),
            Ok(Tls::Opportunistic(_))
        ));
        for here in ["smtp://127.0.0.1:25", "smtp://[::1]:25", "smtp://localhost"] {
            assert!(matches!(tls(here), Ok(Tls::None)), "{here}");
        }
        assert_eq!(tls("smtp://a?tls=maybe").err(), Some(MailError::Tls("maybe".to_owned())));
        assert_eq!(tls("http://a").err(), Some(MailError::Server));
    }

    #[test]
    fn a_message_is_what_strict_readers_expect() {
        let outbound = Outbound::new(None).expect("no file");
        let smtp = Smtp::new(&settings("smtp://127.0.0.1:25"), &outbound).expect("settings");
        let link = format!("https://console.example.com/invitation/{}", "x".repeat(90));
        let mail = |body: String| Mail {
            to: "jo@müller.test".to_owned(),
            subject: "Grüße".to_owned(),
            body,
            at: 1_700_000_000_000_000,
            link: None,
        };
        let text = |body: String| {
            let message = smtp.message(&mail(body), "eml_1").expect("a message");
            String::from_utf8(message.formatted()).expect("ASCII")
        };
        let plain = text(format!("Open this link:\n{link}\n"));
        for line in [
            "From: \"Acme API\" <api@xn--mller-kva.example>",
            "To: jo@xn--mller-kva.test",
            "Message-ID: <eml_1@xn--mller-kva.example>",
            "MIME-Version: 1.0",
            "Auto-Submitted: auto-generated",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Content-Transfer-Encoding: 7bit",
            link.as_str(),
        ] {
            assert!(plain.lines().any(|found| found == line), "{line}: {plain}");
        }
        assert!(!plain.replace("\r\n", "").contains('\n'), "lines end in CRLF");
        let wide = text(format!("Grüße\n{link}\n"));
        assert!(wide.contains("Content-Transfer-Encoding: base64") && wide.is_ascii(), "{wide}");
    }
}

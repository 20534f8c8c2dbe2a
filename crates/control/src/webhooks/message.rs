//! Events as their receivers get them: the ID, and the body, which holds IDs and links but no secret.

use crate::settings::API_PATH;
use keydesk_model::{AUDIT_RECORDED, CANARY_USED};
use keydesk_store::LoggedEvent;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// The end of the types of events about leaks.
const LEAKED: &str = ".leaked";

/// An event. Every type of event has the same form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventBody {
    /// The type, such as `token.revoked`.
    #[serde(rename = "type")]
    #[schema(example = "token.revoked")]
    pub kind: String,
    /// When it happened.
    #[schema(format = DateTime)]
    pub timestamp: String,
    pub data: EventData,
}

/// What an event is about, as IDs and links.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventData {
    /// The number of the event in the log of its account. There are no gaps.
    pub seq: i64,
    /// The number of the entry in the audit log of the instance.
    pub audit_entry: i64,
    /// The account, or `null` if the event is about the instance.
    pub account: Option<String>,
    /// The ID of the object that changed.
    #[schema(example = "tok_019364b4f1d070008b1e2c3d4e5f6071")]
    pub object: String,
    /// The object in the management API, relative to the URL of the console, if it can be read there.
    #[schema(example = "/api/v1/tokens/tok_019364b4f1d070008b1e2c3d4e5f6071")]
    pub object_url: Option<String>,
    /// Who did it: `user`, `management_key`, `operator`, `token`, `node`, or `visitor`.
    pub actor: String,
    pub user: Option<String>,
    pub member: Option<String>,
    pub management_key: Option<String>,
    /// The use of a canary token, in events of the type `canary.used` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedUse>,
    /// The report, in events of the types `token.leaked`, `management_key.leaked`, and `canary.leaked` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<LeakObject>,
    /// The audit entry, in events of the type `audit.recorded` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryRecord>,
}

/// A report of a leaked secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Leak)]
pub(crate) struct LeakObject {
    /// Who reported it: `github`, `gitlab`, `report_form`, or `scan`.
    pub reporter: String,
    /// Where it was found, as reported. It is not verified if the reporter is `report_form`.
    pub location: Option<String>,
    /// Whether the token keeps working with another secret, in events of the type `token.leaked` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remains_active: Option<bool>,
}

impl LeakObject {
    fn new(kind: &str, event: &LoggedEvent) -> Option<Self> {
        let is_leak = kind.ends_with(LEAKED) && event.event == kind;
        is_leak.then(|| serde_json::from_str(&event.detail).ok())?
    }
}

/// What is known about the first use of a canary token since its last alarm.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservedUse {
    /// The name of the canary token.
    pub name: String,
    /// The number of uses since the last alarm.
    pub uses: i64,
    #[schema(format = DateTime)]
    pub at: String,
    pub client_ip: Option<String>,
    /// The client, by its `User-Agent`.
    pub client: Option<String>,
    pub method: String,
    /// The path, without the query.
    pub path: String,
    pub request_id: String,
}

/// The details of a `canary.used` event, as the audit log records them.
#[derive(Deserialize)]
struct UseDetail {
    name: String,
    uses: i64,
    at: String,
    method: String,
    path: String,
}

impl ObservedUse {
    fn new(event: &LoggedEvent) -> Option<Self> {
        let detail: UseDetail = serde_json::from_str(&event.detail).ok()?;
        Some(Self {
            name: detail.name,
            uses: detail.uses,
            at: detail.at,
            client_ip: event.client_ip.clone(),
            client: event.user_agent.clone(),
            method: detail.method,
            path: detail.path,
            request_id: event.request_id.clone(),
        })
    }
}

/// An entry of the audit log with everything that its digest covers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryRecord {
    pub event: String,
    #[schema(format = DateTime)]
    pub at: String,
    /// The details, as the JSON text that the digest covers.
    pub detail_json: String,
    pub client_ip: Option<String>,
    pub client: Option<String>,
    pub request_id: String,
    /// The digest over this entry and all previous entries of the account.
    pub chain: String,
}

impl EntryRecord {
    pub fn new(event: &LoggedEvent) -> Self {
        Self {
            event: event.event.clone(),
            at: event.at.to_string(),
            detail_json: event.detail.clone(),
            client_ip: event.client_ip.clone(),
            client: event.user_agent.clone(),
            request_id: event.request_id.clone(),
            chain: event.chain.clone(),
        }
    }
}

impl EventBody {
    pub fn new(kind: &str, event: &LoggedEvent) -> Self {
        let data = EventData {
            seq: event.number,
            audit_entry: event.seq,
            account: event.account.map(|id| id.to_string()),
            object: event.target.clone(),
            object_url: object_url(&event.target),
            actor: event.actor.clone(),
            user: event.user.clone(),
            member: event.member.clone(),
            management_key: event.management_key.clone(),
            observed: if kind == CANARY_USED { ObservedUse::new(event) } else { None },
            leak: LeakObject::new(kind, event),
            entry: (kind == AUDIT_RECORDED).then(|| EntryRecord::new(event)),
        };
        Self { kind: kind.to_owned(), timestamp: event.at.to_string(), data }
    }
}

/// Returns an audit entry as an event, for a log collector.
pub(crate) fn audit_message(event: &LoggedEvent) -> String {
    body(AUDIT_RECORDED, event)
}

/// Returns the path of an object in the management API.
fn object_url(target: &str) -> Option<String> {
    let collection = match target.split_once('_')?.0 {
        "tok" => "tokens",
        "can" => "canaries",
        "mem" => "members",
        "key" => "keys",
        "whk" => "webhooks",
        _ => return None,
    };
    Some(format!("{API_PATH}/{collection}/{target}"))
}

/// Returns the ID of an event, which is the same in every attempt to deliver it.
pub(super) fn id_of(kind: &str, event: &LoggedEvent) -> String {
    let digest = Sha256::digest(format!("{kind}|{}|{}", event.seq, event.chain));
    format!("msg_{}", hex::encode(&digest[..16]))
}

/// Returns the body of an event, which is the same in every attempt to deliver it.
pub(super) fn body(kind: &str, event: &LoggedEvent) -> String {
    serde_json::to_string(&EventBody::new(kind, event)).unwrap_or_default()
}

//! The control plane: use cases with their authorization and audit, and the console that serves them. Forwards no API
//! requests and contains no SQL.

mod accounts;
mod alerts;
mod api_docs;
mod api_routes;
mod app;
mod audit;
mod canaries;
mod consequences;
mod door;
mod factors;
mod failing_clients;
mod help;
mod keyring;
mod leaks;
mod mail;
mod management_keys;
mod members;
mod names;
mod nodes;
mod notices;
mod one_time;
mod operations;
mod operators;
mod passkeys;
mod passwords;
mod principal;
mod receipts;
mod refusal;
mod requests;
mod routes;
mod service_status;
mod sessions;
mod settings;
mod sso;
mod throttling;
mod tokens;
#[cfg(test)]
mod two_doors;
mod usage;
mod users;
mod webhooks;

// The tests in this crate share the console of those beside it.
#[cfg(test)]
extern crate self as keydesk_control;
#[cfg(test)]
#[expect(dead_code, reason = "more of it is for the tests beside this crate")]
#[path = "../tests/console/world.rs"]
mod world;

pub(crate) use door::language::{html, label, text};

pub use accounts::{FirstAccount, open_first_account};
pub use alerts::AlertWatch;
pub use api_docs::{DocumentError, OpenApiSource, record_api_version};
pub use api_routes::{ApiAccess, api_access, api_document};
pub use app::{AppServices, AppState};
pub use audit::forwarding::{AuditDestination, AuditForwarder, SyslogServer};
pub use canaries::raise_canary_alarms;
pub use door::guard::{DirectTls, SessionMark};
pub use door::problem::english;
pub use factors::reset_two_factor;
pub use keyring::rotation as keys;
pub use keyring::{Keyring, KeyringError, MasterKey};
pub use mail::{
    MailError, MailQueue, Mailer, SmtpSettings, TestMailError, send_test_mail, test_mail_server,
};
pub use management_keys::forget_finished_requests;
pub use nodes::{ListedNode, NodeError, list_nodes, remove_node};
pub use notices::Notices;
pub use operations::{
    NewlyRejected, OperationsError, RuleSource, Synced, apply_pending_rules, newly_rejected,
    set_rules_mode, sync_rules,
};
pub use operators::{
    IsNew, create_operator, forget_closed_accounts, remove_operator, set_plan_at_server,
};
pub use passwords::PasswordError;
pub use receipts::{ReceiptError, published_keys, verify_receipt};
pub use refusal::{Code, Kind, Refusal};
pub use routes::{Access, ROUTES, router};
pub use settings::{
    KeySource, ManagementKeyRules, PartnerToken, Plans, RequestLogRules, SecretScanning, Settings,
    UsersRules,
};
pub use tokens::reminders::{ExpiringSoon, send_reminders};
pub use tokens::{
    SelfRevocation, SelfRotation, SelfServiceError, close_due_secrets, revoke_own_token,
    rotate_own_token,
};
pub use usage::UsageRollup;
pub use users::{erase_user, make_reset_link};
pub use webhooks::WebhookDispatcher;

//! The control plane: use-cases with their authorization and audit, and the console in front of
//! them. Forwards no API call and knows no SQL.

mod accounts;
mod api_docs;
mod app;
mod assets;
mod attempts;
mod audit;
mod caller;
mod challenge;
mod chrome;
mod codes;
mod factors;
mod freshness;
mod guard;
mod help;
mod host;
mod keyring;
pub mod keys;
mod language;
mod mail;
mod members;
mod names;
mod nodes;
mod operations;
mod operators;
mod outbound;
mod page_for;
mod passkeys;
mod passwords;
mod problem;
mod receipts;
mod reminders;
mod routes;
mod sessions;
mod settings;
mod sso;
mod throttle;
mod tokens;
mod user_message;
mod users;
mod when;

pub(crate) use language::{html, label, text};
pub(crate) use user_message::UserMessage;

pub use accounts::{FirstAccount, OpenAccountError, PlanError, open_first_account, set_plan};
pub use api_docs::{DocumentError, OpenApiSource};
pub use app::{AppServices, AppState};
pub use factors::{ResetFactorError, reset_two_factor};
pub use guard::{DirectTls, SessionMark};
pub use keyring::{Keyring, KeyringError, MasterKey};
pub use mail::{MailError, Mailer, SmtpSettings, TestMailError, keep_mailing, send_test_mail};
pub use nodes::{ListedNode, NodeError, list_nodes, remove_node};
pub use operations::{
    NewlyRejected, OperationsError, RuleSource, Synced, apply_pending_rules, newly_rejected,
    set_rules_mode, sync_rules,
};
pub use operators::{
    IsNew, OperatorError, create_operator, forget_closed_accounts, remove_operator,
};
pub use outbound::{CaFileError, Outbound};
pub use passwords::PasswordError;
pub use receipts::{ReceiptError, published_keys, verify_receipt};
pub use reminders::{ExpiringSoon, send_reminders};
pub use routes::{Access, ROUTES, router};
pub use settings::{Plans, Settings, UsersRules};
pub use tokens::{
    SelfRevocation, SelfRotation, SelfServiceError, close_due_secrets, revoke_own_token,
    rotate_own_token,
};
pub use users::{UserError, erase_user, make_reset_link};

//! The routes of the management API. Method and path are those of each handler; this table says who may call it. The
//! router and the OpenAPI document are made from it.

use crate::{
    AppState,
    accounts::{
        api as account, console_links::api as console_links, limits::api as account_limits,
    },
    alerts::api as alerts,
    audit::api as audit,
    canaries::api as canaries,
    door::api::{BASE, document, guard},
    failing_clients::api as failing_clients,
    management_keys::api as keys,
    members::{api as members, invitations::api as invitations},
    operators::{api as operators, instance::api as instance, usage::api as operator_usage},
    receipts::api as receipts,
    requests::api as requests,
    sso::api as sso,
    tokens::{
        api as tokens, bearer::api as bearer, limits::api as limits,
        restoration::api as restoration, rotation::api as rotation,
    },
    usage::api as usage,
    webhooks::{api as webhooks, deliveries::api as deliveries, events::api as events},
};
use axum::{Router, middleware::from_fn_with_state, routing::get};
use keydesk_model::{OperatorPermission, Permission};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The access to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiAccess {
    /// Any management key of an account.
    Account,
    /// Any management key.
    Key,
    /// Keys of an account with a scope for this permission.
    Needs(Permission),
    /// Keys of the instance with a scope for this permission.
    Operator(OperatorPermission),
    /// Keys of an account or of the instance with a scope for the permission of its kind.
    Either(Permission, OperatorPermission),
}

use ApiAccess::{Account, Either, Key, Needs, Operator};
use OperatorPermission::{ManageAccounts, OpenSessions, SeeAccounts, SeeInstance};
use Permission::{
    LimitAccount, ManageCanaries, ManageMembers, ManageOwners, ManageSso, ManageTokens, SeeAudit,
    SeeCanaries, SeeLimits, SeeMembers, SeeReceipts, SeeTokens, SeeUsage, SeeWebhooks,
    TakeOverKeys, UseApiDocs,
};

const SEE_KEYS: ApiAccess = Either(Permission::SeeKeys, OperatorPermission::SeeKeys);
const MANAGE_KEYS: ApiAccess = Either(Permission::ManageKeys, OperatorPermission::ManageKeys);
const SEE_WEBHOOKS: ApiAccess = Either(SeeWebhooks, OperatorPermission::SeeWebhooks);
const MANAGE_WEBHOOKS: ApiAccess =
    Either(Permission::ManageWebhooks, OperatorPermission::ManageWebhooks);

/// Creates the router with its document, and the access to each operation.
macro_rules! api_routes {
    ($($access:expr => $module:ident::$handler:ident;)*) => {
        fn table() -> OpenApiRouter<AppState> {
            OpenApiRouter::new()$(.routes(document::with_access(routes!($module::$handler), $access)))*
        }

        /// Returns the method, path, and access of every route.
        pub fn api_access() -> Vec<(&'static str, String, ApiAccess)> {
            let mut all = Vec::new();
            $(
                let (_, paths, _) = routes!($module::$handler);
                let found = paths.paths.iter().flat_map(document::methods);
                all.extend(found.map(|(method, path)| (method, path, $access)));
            )*
            all
        }
    };
}

api_routes! {
    Key => keys::read_own_key;
    Key => keys::revoke_own;

    Account => account::read_account;
    Needs(ManageOwners) => account::update_account;
    Needs(SeeLimits) => account_limits::read_account_limits;
    Needs(LimitAccount) => account_limits::update_account_limits;
    Needs(LimitAccount) => account_limits::list_limits_consequences;

    Needs(SeeTokens) => tokens::list_tokens;
    Needs(ManageTokens) => tokens::create_token;
    Needs(SeeTokens) => tokens::read_token;
    Needs(ManageTokens) => tokens::update_token;
    Needs(ManageTokens) => limits::limit_token;
    Needs(ManageTokens) => rotation::list_token_consequences;
    Needs(ManageTokens) => rotation::rotate_token;
    Needs(ManageTokens) => restoration::revoke;
    Needs(ManageTokens) => restoration::pause;
    Needs(ManageTokens) => restoration::restore;
    Needs(ManageTokens) => rotation::revoke_previous;
    Needs(SeeTokens) => bearer::read_bearer_token;
    Needs(UseApiDocs) => bearer::list_bearer_token_consequences;
    Needs(UseApiDocs) => bearer::rotate;
    Needs(SeeLimits) => limits::list_token_scopes;

    Needs(SeeUsage) => usage::read_usage;
    Needs(SeeUsage) => requests::list_requests;
    Needs(SeeUsage) => requests::read_request;
    Needs(SeeUsage) => requests::read_request_log_settings;
    Needs(LimitAccount) => requests::set_request_log_settings;
    Needs(SeeUsage) => alerts::read_account_alerts;
    Needs(LimitAccount) => alerts::set_account_alerts;
    Needs(SeeUsage) => alerts::read_token_alerts;
    Needs(ManageTokens) => alerts::update_token_alerts;
    Needs(SeeUsage) => failing_clients::list_failing_clients;
    Needs(SeeUsage) => failing_clients::read_failing_client;
    Needs(ManageTokens) => failing_clients::update_failing_client;
    Needs(ManageTokens) => failing_clients::report_failing_client;
    Needs(SeeUsage) => limits::read_token_usage;
    Needs(SeeUsage) => limits::list_violations;
    Needs(SeeUsage) => restoration::rejected_clients;

    Needs(SeeReceipts) => receipts::list_receipts;
    Needs(SeeReceipts) => receipts::read_receipt;
    Account => receipts::list_receipt_keys;

    Needs(SeeMembers) => members::list_members;
    Needs(SeeMembers) => members::read_member;
    Needs(ManageMembers) => members::update_member;
    Needs(ManageMembers) => members::remove_member;
    Needs(ManageMembers) => members::list_member_consequences;
    Needs(ManageMembers) => members::log_out_member;
    Needs(ManageMembers) => invitations::list_invitations;
    Needs(ManageMembers) => invitations::create_invitation;
    Needs(ManageMembers) => invitations::resend_invitation;
    Needs(ManageMembers) => invitations::revoke_invitation;

    Needs(SeeAudit) => audit::list_audit_entries;
    Needs(SeeAudit) => audit::export_audit_entries;

    Needs(ManageSso) => sso::read_sso;
    Needs(ManageSso) => sso::save_sso;
    Needs(ManageSso) => sso::remove_sso;

    SEE_KEYS => keys::list_management_keys;
    MANAGE_KEYS => keys::create_management_key;
    SEE_KEYS => keys::read_management_key;
    MANAGE_KEYS => keys::update_management_key;
    MANAGE_KEYS => keys::rotate_management_key;
    MANAGE_KEYS => keys::revoke_management_key;
    Needs(TakeOverKeys) => keys::take_over_management_key;

    Needs(SeeCanaries) => canaries::list;
    Needs(ManageCanaries) => canaries::create;
    Needs(SeeCanaries) => canaries::read_canary;
    Needs(ManageCanaries) => canaries::remove;

    SEE_WEBHOOKS => webhooks::list;
    MANAGE_WEBHOOKS => webhooks::create;
    SEE_WEBHOOKS => webhooks::read_webhook;
    MANAGE_WEBHOOKS => webhooks::update;
    MANAGE_WEBHOOKS => webhooks::remove;
    MANAGE_WEBHOOKS => webhooks::rotate;
    MANAGE_WEBHOOKS => webhooks::pause;
    MANAGE_WEBHOOKS => webhooks::resume;
    MANAGE_WEBHOOKS => webhooks::test;
    SEE_WEBHOOKS => deliveries::deliveries;
    SEE_WEBHOOKS => deliveries::delivery;
    MANAGE_WEBHOOKS => deliveries::redeliver_event;
    Needs(SeeWebhooks) => events::list_events;

    Operator(SeeAccounts) => operators::list_managed_accounts;
    Operator(ManageAccounts) => operators::open;
    Operator(SeeAccounts) => operators::read_managed_account;
    Operator(ManageAccounts) => operators::update_managed_account;
    Operator(SeeAccounts) => operators::list_account_consequences;
    Operator(ManageAccounts) => operators::suspend;
    Operator(ManageAccounts) => operators::close;
    Operator(ManageAccounts) => operators::restore;
    Operator(ManageAccounts) => operators::invite;

    Operator(OpenSessions) => console_links::create_console_session;

    Operator(SeeInstance) => instance::list_plans;
    Operator(SeeInstance) => instance::list_operations;
    Operator(SeeInstance) => instance::list_operators;
    Operator(SeeInstance) => instance::list_gateways;
    Operator(SeeAccounts) => operator_usage::read_instance_usage;
    Operator(SeeInstance) => audit::list_instance_audit_entries;
    Operator(OperatorPermission::SeeWebhooks) => events::list_instance_events;
}

/// Returns the OpenAPI document, as `docs/openapi.json` has it.
pub fn api_document() -> serde_json::Value {
    document::complete(table().into_openapi())
}

/// Returns the router of the management API, for the path [`BASE`].
pub(crate) fn api_router(app: &AppState) -> Router<AppState> {
    let (router, _) = table().split_for_parts();
    let guarded = router
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::wrong_method)
        .layer(from_fn_with_state(app.clone(), guard::admit));
    let open = Router::new()
        .route("/openapi.json", get(document::serve))
        .route("/openapi-3.0.json", get(document::serve_older));
    Router::new().nest(BASE, open.fallback_service(guarded.with_state(app.clone())))
}

//! The routes of the console, each with method, path, access, and handler. The tests check the router against the list.

use crate::{
    AppState,
    accounts::{
        console as accounts, console_links::console as console_links,
        limits::console as account_limits, sign_up::console as sign_up,
    },
    alerts::console as alerts,
    api_docs::console::{self as api_docs, reference},
    api_routes::api_router,
    audit::console as audit,
    canaries::console as canaries,
    door::{
        api::document,
        assets, guard,
        language::text,
        page_for,
        problem::{Problem, problem_page},
        reauth,
    },
    factors::console as factors,
    failing_clients::console as failing_clients,
    help::{console as help, errors::console as errors},
    leaks::{api as leak_api, console as leaks, partners::api as partners},
    mail,
    management_keys::{
        console as keys,
        device::{api as device_api, console as device},
    },
    members::{
        console as members, invitations::console as invitations,
        selection::console as member_selection,
    },
    names::console as names,
    operators::{
        console as operators, instance::console as instance, usage::console as operator_usage,
    },
    passkeys::console as passkeys,
    principal::{self, Caller},
    receipts::console as receipts,
    refusal::Code,
    requests::console as requests,
    sessions::console as sessions,
    sso::console as sso,
    tokens::{
        console as tokens, creation::console as new_token, limits::console as limits,
        moving::console as moving, overview::console as overview,
        restoration::console as restoration, selection::console as selection,
    },
    usage::console as usage,
    users::{console as users, email::console as email},
    webhooks::{console as webhooks, deliveries::console as deliveries},
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::Redirect,
    routing::{get, post},
};
use keydesk_model::Permission;
use tower_http::{catch_panic::CatchPanicLayer, csrf::CsrfLayer};

/// The access to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without a session.
    Anyone,
    /// Any user with a session, in any role.
    Session,
    /// Members whose role has this permission.
    Needs(Permission),
    /// Operators of the instance.
    Operator,
}

/// Creates the router and the list of its routes from one table.
macro_rules! routes {
    ($($method:ident $path:literal $access:expr => $handler:expr;)*) => {
        /// The method, path, and access of every route.
        pub const ROUTES: &[(&str, &str, Access)] = &[$((stringify!($method), $path, $access),)*];

        fn table() -> Router<AppState> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

use Access::{Anyone, Needs, Operator, Session};
use Permission::{
    LimitAccount, ManageCanaries, ManageKeys, ManageMembers, ManageOwners, ManageSso, ManageTokens,
    ManageWebhooks, SeeAudit, SeeCanaries, SeeKeys, SeeLimits, SeeMembers, SeeReceipts, SeeTokens,
    SeeUsage, SeeWebhooks, TakeOverKeys, UseApiDocs,
};

routes! {
    get  "/"                                Anyone => async || Redirect::to("/api-docs");
    get  "/assets/{*path}"                  Anyone => assets::serve;
    post "/csp-reports"                     Anyone => guard::take_csp_report;
    get  "/.well-known/keydesk-receipt-keys" Anyone => receipts::published;
    get  "/.well-known/keydesk-webhook-keys" Anyone => webhooks::published_keys;
    get  "/.well-known/api-catalog"         Anyone => document::catalog;
    get  "/.well-known/change-password"     Anyone => async || Redirect::to("/profile#password");
    get  "/mail"                            Anyone => mail::show;
    get  "/management-api"                  Anyone => reference::management_reference;
    get  "/management-api/errors"           Anyone => errors::list_of_management;
    get  "/console-session/{code}"          Anyone => console_links::enter;
    post "/oauth/device_authorization"      Anyone => device_api::authorize;
    post "/oauth/token"                     Anyone => device_api::token;
    get  "/errors"                          Anyone => errors::list;
    get  "/errors/{code}"                   Anyone => errors::show;

    get  "/report-leak"                     Anyone => leaks::show;
    post "/report-leak"                     Anyone => leaks::report;
    post "/secret-scanning/check"           Anyone => leak_api::check;
    post "/secret-scanning/github"          Anyone => partners::github;
    post "/secret-scanning/gitlab"          Anyone => partners::gitlab;
    get  "/secret-scanning/gitlab/v1/revocable_token_types" Anyone => partners::list_revocable_types;
    post "/secret-scanning/gitlab/v1/revoke_tokens" Anyone => partners::revoke;

    get  "/setup/{code}"                    Anyone => accounts::setup_page;
    post "/setup/{code}"                    Anyone => accounts::setup;
    get  "/sign-up"                         Anyone => sign_up::show;
    post "/sign-up"                         Anyone => sign_up::ask_for;
    get  "/sign-up/{code}"                  Anyone => sign_up::finish_page;
    post "/sign-up/{code}"                  Anyone => sign_up::open_it;
    get  "/email-change/{code}"             Anyone => email::show;
    post "/email-change/{code}"             Anyone => email::answer;
    get  "/login"                           Anyone => sessions::log_in_page;
    post "/login"                           Anyone => sessions::log_in;
    post "/login/two-factor"             Anyone => sessions::log_in_with_code;
    get  "/login/passkey"                   Anyone => passkeys::log_in_page;
    post "/login/passkey"                   Anyone => passkeys::log_in;
    get  "/login/sso"                   Anyone => sso::log_in_page;
    post "/login/sso"                   Anyone => sso::log_in;
    get  "/login/sso/callback"          Anyone => sso::callback;
    get  "/forgot-password"                 Anyone => users::forgot_page;
    post "/forgot-password"                 Anyone => users::request_reset;
    get  "/reset-password/{code}"           Anyone => users::reset_page;
    post "/reset-password/{code}"           Anyone => users::reset_password;
    get  "/invitation/{code}"               Anyone => invitations::accept_page;
    post "/invitation/{code}"               Anyone => invitations::accept;

    // Viewers also see the page, which tells them how to get access.
    get  "/api-docs"                        Session => api_docs::show;
    get  "/api-docs/rotate"                 Needs(UseApiDocs) => api_docs::rotate_page;
    post "/api-docs/rotate"                 Needs(UseApiDocs) => api_docs::rotate;
    get  "/api-docs/reference/{operation}"  Needs(UseApiDocs) => reference::show_operation;
    get  "/api-docs/changes"                Needs(UseApiDocs) => reference::show_changes;
    get  "/api-docs/swagger"                Needs(UseApiDocs) => reference::swagger;
    get  "/api-docs/openapi.json"           Needs(UseApiDocs) => api_docs::document;
    get  "/api-docs/reference.md"           Needs(UseApiDocs) => api_docs::markdown;
    get  "/api-docs/llms.txt"               Needs(UseApiDocs) => api_docs::llms_txt;
    get  "/api-docs/collection.json"        Needs(UseApiDocs) => api_docs::download_collection;
    get  "/api-docs/api.env"                Needs(UseApiDocs) => api_docs::download_env;

    get  "/api-docs/move"                   Needs(ManageTokens) => moving::show_own;
    post "/api-docs/move"                   Needs(ManageTokens) => moving::create_own;

    get  "/tokens"                          Needs(SeeTokens) => tokens::list;
    post "/tokens"                          Needs(ManageTokens) => new_token::issue;
    get  "/tokens/new"                      Needs(ManageTokens) => new_token::new_page;
    get  "/tokens/revoke"                   Needs(ManageTokens) => selection::revoke_page;
    post "/tokens/revoke"                   Needs(ManageTokens) => selection::revoke;
    get  "/tokens/{id}"                     Needs(SeeTokens) => overview::show;
    get  "/tokens/{id}/rotate"              Needs(ManageTokens) => tokens::rotate_page;
    post "/tokens/{id}/rotate"              Needs(ManageTokens) => tokens::rotate;
    get  "/tokens/{id}/revoke"              Needs(ManageTokens) => tokens::revoke_page;
    post "/tokens/{id}/revoke"              Needs(ManageTokens) => restoration::revoke;
    get  "/tokens/{id}/restore"             Needs(SeeUsage) => restoration::show;
    post "/tokens/{id}/restore"             Needs(ManageTokens) => restoration::restore;

    post "/tokens/{id}/revoke-previous"           Needs(ManageTokens) => tokens::close_old;
    get  "/tokens/{id}/limits"              Needs(SeeTokens) => limits::show;
    post "/tokens/{id}/limits"              Needs(ManageTokens) => limits::limit;
    post "/tokens/{id}/alerts"              Needs(ManageTokens) => alerts::save_of_token;
    post "/tokens/{id}/name"                Needs(ManageTokens) => names::token;
    post "/tokens/{id}/note"                Needs(ManageTokens) => names::token_note;
    get  "/tokens/violations"               Needs(SeeUsage) => limits::violations;

    get  "/limits"                          Needs(SeeLimits) => account_limits::show;
    post "/limits"                          Needs(LimitAccount) => account_limits::limit;
    post "/limits/unfamiliar-use"           Needs(LimitAccount) => account_limits::set_unfamiliar_use;
    post "/limits/cors"                     Needs(LimitAccount) => account_limits::set_cors;
    post "/limits/expiry"                   Needs(LimitAccount) => account_limits::limit_expiry;

    get  "/keys"                            Needs(SeeKeys) => keys::list::<Caller>;
    post "/keys"                            Needs(ManageKeys) => keys::create::<Caller>;
    get  "/keys/new"                        Needs(ManageKeys) => keys::new_page::<Caller>;
    get  "/keys/{id}/rotate"                Needs(ManageKeys) => keys::rotate_page::<Caller>;
    post "/keys/{id}/rotate"                Needs(ManageKeys) => keys::rotate::<Caller>;
    get  "/keys/{id}/revoke"                Needs(ManageKeys) => keys::revoke_page::<Caller>;
    post "/keys/{id}/revoke"                Needs(ManageKeys) => keys::revoke::<Caller>;
    post "/keys/{id}/take-over"             Needs(TakeOverKeys) => keys::take_over;

    get  "/webhooks"                         Needs(SeeWebhooks) => webhooks::list::<Caller>;
    post "/webhooks"                         Needs(ManageWebhooks) => webhooks::create::<Caller>;
    get  "/webhooks/new"                     Needs(ManageWebhooks) => webhooks::new_page::<Caller>;
    get  "/webhooks/{id}"                    Needs(SeeWebhooks) => webhooks::show::<Caller>;
    post "/webhooks/{id}"                    Needs(ManageWebhooks) => webhooks::update::<Caller>;
    get  "/webhooks/{id}/edit"               Needs(ManageWebhooks) => webhooks::edit_page::<Caller>;
    post "/webhooks/{id}/test"               Needs(ManageWebhooks) => webhooks::send_test::<Caller>;
    post "/webhooks/{id}/pause"              Needs(ManageWebhooks) => webhooks::pause::<Caller>;
    post "/webhooks/{id}/resume"             Needs(ManageWebhooks) => webhooks::resume::<Caller>;
    get  "/webhooks/{id}/rotate-secret"      Needs(ManageWebhooks) => webhooks::rotate_page::<Caller>;
    post "/webhooks/{id}/rotate-secret"      Needs(ManageWebhooks) => webhooks::rotate::<Caller>;
    get  "/webhooks/{id}/remove"             Needs(ManageWebhooks) => webhooks::remove_page::<Caller>;
    post "/webhooks/{id}/remove"             Needs(ManageWebhooks) => webhooks::remove::<Caller>;
    get  "/webhooks/{id}/deliveries/{delivery}" Needs(SeeWebhooks) => deliveries::show_delivery::<Caller>;
    post "/webhooks/{id}/deliveries/{delivery}/redeliver" Needs(ManageWebhooks) => deliveries::send_again::<Caller>;

    get  "/canaries"                        Needs(SeeCanaries) => canaries::list;
    post "/canaries"                        Needs(ManageCanaries) => canaries::create;
    post "/canaries/{id}/remove"            Needs(ManageCanaries) => canaries::remove;

    get  "/receipts"                        Needs(SeeReceipts) => receipts::list;
    get  "/receipts/{id}"                   Needs(SeeReceipts) => receipts::show;

    get  "/usage"                           Needs(SeeUsage) => usage::show;
    get  "/usage/export"                    Needs(SeeUsage) => usage::export;
    get  "/requests"                        Needs(SeeUsage) => requests::show;
    post "/requests/log"                    Needs(LimitAccount) => requests::save_logging;
    get  "/requests/{id}"                   Needs(SeeUsage) => requests::show_one;
    get  "/alerts"                          Needs(SeeUsage) => alerts::show;
    post "/alerts"                          Needs(LimitAccount) => alerts::save;
    get  "/failing-clients"                 Needs(SeeUsage) => failing_clients::show;
    get  "/failing-clients/{id}"            Needs(SeeUsage) => failing_clients::show_one;
    post "/failing-clients/{id}/mute"       Needs(ManageTokens) => failing_clients::mute;
    post "/failing-clients/{id}/resolve"    Needs(ManageTokens) => failing_clients::resolve;
    post "/failing-clients/{id}/reopen"     Needs(ManageTokens) => failing_clients::reopen;
    post "/failing-clients/{id}/report"     Needs(ManageTokens) => failing_clients::report;
    get  "/members"                         Needs(SeeMembers) => members::list;
    get  "/sso"                         Needs(ManageSso) => sso::show;
    post "/sso"                         Needs(ManageSso) => sso::save;
    post "/sso/remove"                  Needs(ManageSso) => sso::take_away;
    post "/members/account-name"            Needs(ManageOwners) => names::account;
    get  "/members/remove"                  Needs(ManageMembers) => member_selection::remove_page;
    post "/members/remove"                  Needs(ManageMembers) => member_selection::remove;
    get  "/members/leave"                   Session => members::leave_page;
    post "/members/leave"                   Session => members::leave;
    get  "/members/security"             Needs(LimitAccount) => members::security;
    post "/members/two-factor"           Needs(LimitAccount) => factors::require;
    post "/members/invitations"             Needs(ManageMembers) => members::invite;
    post "/members/invitations/{id}/resend" Needs(ManageMembers) => invitations::resend;
    post "/members/invitations/{id}/revoke" Needs(ManageMembers) => invitations::withdraw;
    post "/members/{id}/role"               Needs(ManageMembers) => members::change_role;
    get  "/members/{id}/move"               Needs(ManageMembers) => moving::show_of_member;
    post "/members/{id}/move"               Needs(ManageMembers) => moving::create_of_member;
    get  "/members/{id}/remove"             Needs(ManageMembers) => members::remove_page;
    post "/members/{id}/remove"             Needs(ManageMembers) => members::remove;
    get  "/members/{id}/log-out"            Needs(ManageMembers) => members::log_out_page;
    post "/members/{id}/log-out"            Needs(ManageMembers) => members::log_out;

    get  "/sessions"                        Session => sessions::list;
    post "/sessions/{id}/end"               Session => sessions::end;
    get  "/sessions/log-out-all"     Session => sessions::log_out_all_page;
    post "/sessions/log-out-all"     Session => sessions::log_out_all;
    post "/logout"                          Session => sessions::log_out;
    get  "/confirm"                         Session => reauth::confirm_page;
    post "/confirm"                         Session => reauth::confirm;
    get  "/passkeys"                        Session => passkeys::show;
    post "/passkeys"                        Session => passkeys::add_one;
    post "/passkeys/{id}/remove"            Session => passkeys::take_away;
    get  "/two-factor"                   Session => factors::show;
    post "/two-factor/begin"             Session => factors::start;
    post "/two-factor/confirm"           Session => factors::confirm_code;
    post "/two-factor/codes"             Session => factors::codes;
    post "/two-factor/remove"            Session => factors::take_away;
    get  "/profile"                         Session => users::profile;
    post "/profile/email"                   Session => email::ask_for;
    post "/profile/name"                    Session => names::user;
    post "/profile/language"                Session => users::choose_language;
    post "/profile/password"                Session => users::change_password;
    post "/accounts/switch"                 Session => accounts::switch;

    // Viewers see the page, which asks for a code.
    get  "/device"                          Session => device::show;
    post "/device"                          Needs(ManageKeys) => device::answer::<Caller>;

    get  "/audit"                           Needs(SeeAudit) => audit::show;
    get  "/audit/export"                    Needs(SeeAudit) => audit::export;

    get  "/operator/usage"                  Operator => operator_usage::show;
    get  "/operator/plans"                  Operator => instance::show_plans;
    get  "/operator/operations"             Operator => instance::show_operations;
    get  "/operator/operators"              Operator => instance::show_operators;
    get  "/operator/gateways"               Operator => instance::show_gateways;
    get  "/operator/keys"                   Operator => keys::list::<principal::Operator>;
    post "/operator/keys"                   Operator => keys::create::<principal::Operator>;
    get  "/operator/keys/new"               Operator => keys::new_page::<principal::Operator>;
    get  "/operator/keys/{id}/rotate"       Operator => keys::rotate_page::<principal::Operator>;
    post "/operator/keys/{id}/rotate"       Operator => keys::rotate::<principal::Operator>;
    get  "/operator/keys/{id}/revoke"       Operator => keys::revoke_page::<principal::Operator>;
    post "/operator/keys/{id}/revoke"       Operator => keys::revoke::<principal::Operator>;
    get  "/operator/webhooks"                Operator => webhooks::list::<principal::Operator>;
    post "/operator/webhooks"                Operator => webhooks::create::<principal::Operator>;
    get  "/operator/webhooks/new"            Operator => webhooks::new_page::<principal::Operator>;
    get  "/operator/webhooks/{id}"           Operator => webhooks::show::<principal::Operator>;
    post "/operator/webhooks/{id}"           Operator => webhooks::update::<principal::Operator>;
    get  "/operator/webhooks/{id}/edit"      Operator => webhooks::edit_page::<principal::Operator>;
    post "/operator/webhooks/{id}/test"      Operator => webhooks::send_test::<principal::Operator>;
    post "/operator/webhooks/{id}/pause"     Operator => webhooks::pause::<principal::Operator>;
    post "/operator/webhooks/{id}/resume"    Operator => webhooks::resume::<principal::Operator>;
    get  "/operator/webhooks/{id}/rotate-secret" Operator => webhooks::rotate_page::<principal::Operator>;
    post "/operator/webhooks/{id}/rotate-secret" Operator => webhooks::rotate::<principal::Operator>;
    get  "/operator/webhooks/{id}/remove"    Operator => webhooks::remove_page::<principal::Operator>;
    post "/operator/webhooks/{id}/remove"    Operator => webhooks::remove::<principal::Operator>;
    get  "/operator/webhooks/{id}/deliveries/{delivery}" Operator => deliveries::show_delivery::<principal::Operator>;
    post "/operator/webhooks/{id}/deliveries/{delivery}/redeliver" Operator => deliveries::send_again::<principal::Operator>;
    get  "/operator/device"                 Operator => device::show_to_operator;
    post "/operator/device"                 Operator => device::answer::<principal::Operator>;
    get  "/operator/audit"                  Operator => audit::show_instance;
    get  "/operator"                        Operator => operators::list;
    post "/operator/accounts"               Operator => operators::open;
    post "/operator/mail/test"              Operator => operators::send_test;
    get  "/operator/accounts/{number}"      Operator => operators::show;
    post "/operator/accounts/{number}/sso/approve" Operator => sso::confirm;
    post "/operator/accounts/{number}/owner" Operator => operators::invite_again;
    post "/operator/accounts/{number}/plan" Operator => operators::plan;
    get  "/operator/accounts/{number}/suspend" Operator => operators::suspend_page;
    get  "/operator/accounts/{number}/close" Operator => operators::close_page;
    get  "/operator/accounts/{number}/receipts/{id}" Operator => receipts::show_to_operator;
    post "/operator/accounts/{number}/suspend" Operator => operators::suspend;
    post "/operator/accounts/{number}/close" Operator => operators::close;
    post "/operator/accounts/{number}/restore" Operator => operators::restore;

    get  "/help"                            Session => help::show;
    post "/help/feedback"                   Session => help::give_feedback;
}

/// Returns the router of the console. Must be served with the peer's address as connect info.
pub fn router(app: AppState) -> Router {
    table()
        .merge(api_router(&app))
        .fallback(async || Problem::from(Code::NotFound))
        .method_not_allowed_fallback(async || {
            problem_page(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                text("wrong-method").to_string(),
                text("wrong-method-why").to_string(),
            )
        })
        .layer(from_fn(page_for::keep_form))
        .layer(DefaultBodyLimit::max(page_for::LARGEST_FORM))
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            guard::REQUEST_TIMEOUT,
        ))
        .layer(csrf(&app))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(app.clone(), guard::admit))
        .with_state(app)
}

/// Rejects forms from other sites. The console's own origins are trusted by name, so that a proxy that rewrites `Host`
/// doesn't break it.
fn csrf(app: &AppState) -> CsrfLayer {
    app.settings.console_origins().fold(CsrfLayer::new(), |layer, origin| {
        layer.clone().add_trusted_origin(origin).unwrap_or(layer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_stands_in_the_table_once() {
        let mut seen = std::collections::HashSet::new();
        for (method, path, _) in ROUTES {
            assert!(seen.insert((method, path)), "{method} {path}");
        }
    }
}

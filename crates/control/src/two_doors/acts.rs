//! The acts: the form that the console sends, and the call of the use case.

use super::{Act, Member};
use crate::{Refusal, accounts, factors, members, names, operators, principal, tokens};
use keydesk_model::{
    AccountState, Expiry, GracePeriod, IpAllowlist, Mode, Role, RotationTerms, ScopeSet,
    TokenLimits, TokenNote,
};

macro_rules! act {
    ($path:literal, $form:expr, |$app:ident, $caller:ident, $at:ident| $use_case:expr) => {
        Act {
            path: $path,
            form: &$form,
            use_case: |$app, $caller, $at| {
                Box::pin(async move {
                    let outcome: Result<_, Refusal> = $use_case;
                    outcome.map(drop)
                })
            },
        }
    };
}

fn request(name: &str) -> Result<tokens::creation::ApiTokenRequest, Refusal> {
    Ok(tokens::creation::ApiTokenRequest {
        name: name.parse()?,
        note: TokenNote::default(),
        scopes: "*".parse::<ScopeSet>()?,
        ip_allowlist: IpAllowlist::default(),
        expiry: Expiry::Never,
        request_key: None,
    })
}

/// Acts of a member, from harmless to final: later ones meet what earlier ones left.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn acts_of_members() -> Vec<Act<Member>> {
    vec![
        act!(
            "/tokens",
            [("name", "CI"), ("expires", "never"), ("scope", "*")],
            |app, caller, _at| {
                tokens::creation::issue_api_token(app, caller, request("CI")?).await
            }
        ),
        act!("/tokens/{token}/name", [("name", "Production")], |app, caller, at| {
            names::rename_token(app, caller, at.token, "Production").await
        }),
        act!("/tokens/{token}/note", [("note", "Nightly import")], |app, caller, at| {
            names::set_token_note(app, caller, at.token, "Nightly import").await
        }),
        act!("/tokens/{token}/note", [("note", "a\u{202e}b")], |app, caller, at| {
            names::set_token_note(app, caller, at.token, "a\u{202e}b").await
        }),
        act!("/tokens/{token}/name", [("name", "")], |app, caller, at| {
            names::rename_token(app, caller, at.token, "").await
        }),
        act!("/tokens/{token}/name", [("name", "a\u{202e}b")], |app, caller, at| {
            names::rename_token(app, caller, at.token, "a\u{202e}b").await
        }),
        act!(
            "/tokens/tok_00000000000070008000000000000000/name",
            [("name", "x")],
            |app, caller, _at| {
                let unknown = "tok_00000000000070008000000000000000".parse().expect("an ID");
                names::rename_token(app, caller, unknown, "x").await
            }
        ),
        act!(
            "/tokens/{token}/limits",
            [("scope", "*"), ("ip_allowlist", "192.0.2.0/24"), ("mode", "enforce")],
            |app, caller, at| {
                let ip_allowlist = "192.0.2.0/24".parse::<IpAllowlist>()?;
                let limits = TokenLimits { scopes: "*".parse::<ScopeSet>()?, ip_allowlist };
                tokens::limits::limit_api_token(app, caller, at.token, limits, Mode::Enforce).await
            }
        ),
        act!("/tokens/{token}/rotate", [("grace_period", "1h")], |app, caller, at| {
            let terms = RotationTerms { grace_period: GracePeriod::OneHour, ..Default::default() };
            tokens::rotate_api_token(app, caller, at.token, None, terms).await
        }),
        act!("/tokens/{token}/rotate", [("version", "7")], |app, caller, at| {
            let terms = RotationTerms::default();
            tokens::rotate_api_token(app, caller, at.token, Some(7), terms).await
        }),
        act!("/tokens/{token}/revoke-previous", [], |app, caller, at| {
            tokens::revoke_previous_secrets(app, caller, at.token).await
        }),
        act!("/tokens/{token}/revoke-previous", [], |app, caller, at| {
            tokens::revoke_previous_secrets(app, caller, at.token).await
        }),
        act!("/tokens/{second}/revoke", [], |app, caller, at| {
            tokens::restoration::revoke_api_token(app, caller, at.second).await
        }),
        act!("/tokens/{second}/revoke", [], |app, caller, at| {
            tokens::restoration::revoke_api_token(app, caller, at.second).await
        }),
        act!(
            "/limits",
            [("ip_allowlist", "198.51.100.7"), ("mode", "observe")],
            |app, caller, _at| {
                let wanted = "198.51.100.7".parse::<IpAllowlist>()?;
                accounts::limits::limit_account(app, caller, wanted, Mode::Observe).await
            }
        ),
        act!(
            "/limits/expiry",
            [("max_lifetime_days", "90"), ("mode", "enforce")],
            |app, caller, _at| {
                accounts::limits::limit_expiry(app, caller, Some(90), false, Mode::Enforce).await
            }
        ),
        act!(
            "/tokens",
            [("name", "Old"), ("expires", "never"), ("scope", "*")],
            |app, caller, _at| {
                tokens::creation::issue_api_token(app, caller, request("Old")?).await
            }
        ),
        act!("/members/account-name", [("name", "Acme Ltd")], |app, caller, _at| {
            names::rename_account(app, caller, "Acme Ltd").await
        }),
        act!("/profile/name", [("name", "Somebody Else")], |app, caller, _at| {
            names::rename_user(app, caller, "Somebody Else").await
        }),
        act!(
            "/members/invitations",
            [("email", "new@acme.example"), ("role", "developer")],
            |app, caller, _at| {
                members::invite(app, caller, "new@acme.example", Role::Developer).await
            }
        ),
        act!(
            "/members/invitations",
            [("email", "new@acme.example"), ("role", "owner")],
            |app, caller, _at| {
                members::invite(app, caller, "new@acme.example", Role::Owner).await
            }
        ),
        act!(
            "/members/invitations",
            [("email", "no address"), ("role", "viewer")],
            |app, caller, _at| { members::invite(app, caller, "no address", Role::Viewer).await }
        ),
        act!(
            "/members/invitations",
            [("email", "vera@acme.example"), ("role", "viewer")],
            |app, caller, _at| {
                members::invite(app, caller, "vera@acme.example", Role::Viewer).await
            }
        ),
        act!("/members/two-factor", [("required", "yes")], |app, caller, _at| {
            factors::require(app, caller, true).await
        }),
        act!("/members/{vera}/role", [("role", "developer")], |app, caller, at| {
            members::change_role(app, caller, at.vera, Role::Developer).await
        }),
        act!("/members/{ann}/role", [("role", "viewer")], |app, caller, at| {
            members::change_role(app, caller, at.ann, Role::Viewer).await
        }),
        act!("/members/{vera}/log-out", [], |app, caller, at| {
            members::log_out(app, caller, at.vera).await
        }),
        act!("/members/{vera}/remove", [], |app, caller, at| {
            members::remove(app, caller, at.vera).await
        }),
        act!("/members/{vera}/remove", [], |app, caller, at| {
            members::remove(app, caller, at.vera).await
        }),
        act!("/members/{ann}/remove", [], |app, caller, at| {
            members::remove(app, caller, at.ann).await
        }),
        act!("/members/leave", [], |app, caller, _at| members::leave(app, caller).await),
    ]
}

pub(super) fn acts_of_operators() -> Vec<Act<principal::Operator>> {
    vec![
        act!("/operator/accounts/{number}/suspend", [], |app, operator, at| {
            operators::set_state(app, operator, at.number, AccountState::Suspended).await
        }),
        act!("/operator/accounts/{number}/suspend", [], |app, operator, at| {
            operators::set_state(app, operator, at.number, AccountState::Suspended).await
        }),
        act!("/operator/accounts/{number}/restore", [], |app, operator, at| {
            operators::set_state(app, operator, at.number, AccountState::Active).await
        }),
        act!("/operator/accounts/{number}/plan", [("plan", "gold")], |app, operator, at| {
            let administrator = principal::Administrator::Operator(operator);
            let store = (&app.store, app.now());
            operators::set_plan(administrator, store, &app.settings.plans, (at.number, "gold"))
                .await
        }),
        act!(
            "/operator/accounts",
            [("name", "Beta"), ("owner", "bea@beta.example")],
            |app, operator, _at| {
                operators::open_account(app, operator, "Beta", "bea@beta.example").await
            }
        ),
        act!(
            "/operator/accounts",
            [("name", ""), ("owner", "bea@beta.example")],
            |app, operator, _at| {
                operators::open_account(app, operator, "", "bea@beta.example").await
            }
        ),
        act!(
            "/operator/accounts/{number}/owner",
            [("owner", "otto@acme.example")],
            |app, operator, at| {
                operators::invite_owner(app, operator, at.number, "otto@acme.example").await
            }
        ),
        act!("/operator/accounts/{number}/close", [], |app, operator, at| {
            operators::set_state(app, operator, at.number, AccountState::Closed).await
        }),
    ]
}

//! Ending sessions: one, this one, or all of a user.

use super::visitor_entry;
use crate::{
    AppState,
    principal::{AnonymousUser, Authenticated},
    receipts::Issued,
    refusal::{Code, Refusal},
    tokens,
};
use keydesk_model::{Actor, Event, Origin, RevocationReason, SessionId, UserId, audit::Ended};
use keydesk_store::{AuditEntry, StoreError, Write};

/// Logs out a browser's session. The bearer token remains; only logging out of all sessions revokes it.
pub(crate) async fn log_out(app: &AppState, visitor: AnonymousUser) -> Result<(), StoreError> {
    let Some(hash) = visitor.session else { return Ok(()) };
    let mut write = app.store.write(app.now()).await?;
    let Some((session, user)) = write.end_session_by_hash(hash).await? else { return Ok(()) };
    let mut entry = visitor_entry(Event::SessionLoggedOut {}, &session.to_string(), visitor.origin);
    entry.actor = Actor::User { user, member: None };
    write.commit(entry).await.map(|_| ())
}

/// Ends one of the caller's own sessions.
pub(crate) async fn end_session(
    app: &AppState,
    caller: &impl Authenticated,
    id: SessionId,
) -> Result<(), Refusal> {
    let mut write = caller.begin_own(app).await?;
    if !write.end_session(caller.user().id, id).await? {
        return Err(Code::NotFound.into());
    }
    write.commit(caller.own_entry(Event::SessionEnded {}, id)).await?;
    Ok(())
}

/// Ends every session of the caller and, in the same transaction, revokes their bearer tokens in every account.
pub(crate) async fn log_out_all(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<Option<Issued>, Refusal> {
    let mut write = caller.begin_own(app).await?;
    let (user, cause) = (caller.user().id, RevocationReason::LoggedOutOfAllSessions);
    let origin = caller.origin();
    let ended = end_everything(app, &mut write, (user, origin), None, cause).await?;
    let entry = caller.own_entry(Event::MemberLoggedOutOfAllSessions { ended }, user);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Ends a user's sessions except one, closes everything that an attacker in one of them could have started, and
/// replaces the bearer tokens, with an audit entry in each account. Returns what was ended, for the audit entry of the
/// change itself.
pub(crate) async fn end_everything(
    app: &AppState,
    write: &mut Write,
    (user, origin): (UserId, &Origin),
    except: Option<SessionId>,
    cause: RevocationReason,
) -> Result<Ended, StoreError> {
    let sessions = write.end_sessions(user, except).await?;
    let mut closed = 0;
    for member in write.list_memberships(user).await? {
        closed += write.close_invitations_of(member.id).await?;
    }
    write.close_email_changes(user).await?;
    let replaced = tokens::replace_bearer_tokens(app, write, user, cause).await?;
    for member in &replaced {
        let entry = AuditEntry {
            event: Event::TokenReplaced { after: None, reason: Some(cause) },
            actor: Actor::User { user, member: Some(member.id) },
            origin: origin.clone(),
            account: Some(member.account),
            target: member.id.to_string(),
        };
        write.audit(&entry).await?;
    }
    Ok(Ended {
        sessions_ended: sessions,
        bearer_tokens_replaced: replaced.len(),
        invitations_closed: closed,
    })
}

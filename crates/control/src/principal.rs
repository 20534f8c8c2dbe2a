//! The principals. Permission checks, write transactions, and audit entries depend on the principal, regardless of the
//! interface.

use crate::{
    AppState,
    refusal::{Code, Refusal, Value},
};
use keydesk_model::{AccountId, Actor, Event, Origin, Permission, Timestamp};
use keydesk_store::{Account, AuditEntry, Member, Session, Store, User, Write};

/// A member of an account, in a session.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub user: User,
    pub session: Session,
    pub account: Account,
    pub member: Member,
    /// The accounts of the user.
    pub accounts: Vec<Account>,
    pub is_operator: bool,
    /// Two-factor authentication is required, and the user has not set it up.
    pub must_add_factor: bool,
    pub origin: Origin,
}

/// An operator, in a session.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub user: User,
    pub session: Session,
    /// Whether the operator is also a member of an account.
    pub is_member: bool,
    /// Two-factor authentication is required, and the user has not set it up.
    pub must_add_factor: bool,
    pub origin: Origin,
}

/// A user in a session, for the user's own data: a member, or an operator without an account.
pub(crate) enum CurrentUser {
    Member(Box<Caller>),
    Operator(Box<Operator>),
}

/// A user without a session, or with one that a login replaces.
#[derive(Debug)]
pub(crate) struct AnonymousUser {
    pub origin: Origin,
    /// The session that the request's cookie names, by the digest of its secret.
    pub session: Option<[u8; 32]>,
    /// The digest of the browser's secret, if the user has logged in with this browser before.
    pub device: Option<[u8; 32]>,
}

/// The administrator of the instance: an operator in a session, or the command line on the server.
#[derive(Clone, Copy)]
pub(crate) enum Administrator<'a> {
    Operator(&'a Operator),
    Server,
}

impl Caller {
    /// Returns whether a page offers actions with this permission. The use case checks it again.
    pub fn may(&self, permission: Permission) -> bool {
        self.member.role.may(permission)
    }

    /// # Errors
    ///
    /// [`Code::NotPermitted`] if the role of the caller does not have the permission.
    pub fn permit(&self, permission: Permission) -> Result<(), Refusal> {
        if self.may(permission) {
            return Ok(());
        }
        let role = Value::Name { kind: "role", name: self.member.role.as_str() };
        let refusal = Refusal::new(Code::NotPermitted).with("role", role);
        Err(refusal.with_text("account", &self.account.name))
    }

    /// Opens a write transaction for an action that requires a permission. Loads the caller again in it, so that
    /// session, membership, role, and account are current and not as of the start of the request.
    pub async fn begin(
        &self,
        app: &AppState,
        permission: Permission,
    ) -> Result<(Write, Self), Refusal> {
        let (write, caller) = self.begin_as_member(app).await?;
        caller.permit(permission)?;
        Ok((write, caller))
    }

    /// Opens a write transaction for an action that every member can perform. See [`Self::begin`].
    pub async fn begin_as_member(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        let mut write = app.store.write(app.now()).await?;
        let member = write.find_member(self.account.id, self.member.id).await?;
        let member = member.filter(|member| member.admits(self.session.created_at));
        let account = write.find_account(self.account.id).await?;
        let account = account.filter(|account| account.state.is_in_use());
        match (member, account) {
            (Some(member), Some(account)) if write.is_session_open(self.session.id).await? => {
                Ok((write, Self { account, member, ..self.clone() }))
            }
            _ => Err(Code::LoggedOut.into()),
        }
    }

    pub fn actor(&self) -> Actor {
        Actor::User { user: self.user.id, member: Some(self.member.id) }
    }

    /// Returns an audit entry in the account of the caller.
    pub fn entry(&self, event: Event, target: impl Into<String>) -> AuditEntry {
        AuditEntry {
            event,
            actor: self.actor(),
            origin: self.origin.clone(),
            account: Some(self.account.id),
            target: target.into(),
        }
    }
}

impl CurrentUser {
    pub fn member(&self) -> Option<&Caller> {
        match self {
            Self::Member(caller) => Some(caller),
            Self::Operator(_) => None,
        }
    }
}

impl Administrator<'_> {
    /// Opens a write transaction, in which an operator is loaded again.
    pub async fn begin(self, store: &Store, now: Timestamp) -> Result<Write, Refusal> {
        let mut write = store.write(now).await?;
        if let Self::Operator(operator) = self
            && (!write.is_session_open(operator.session.id).await?
                || !write.is_operator(operator.user.id).await?)
        {
            return Err(Code::OperatorsOnly.into());
        }
        Ok(write)
    }

    /// Returns an audit entry about an account.
    pub fn entry(self, event: Event, account: AccountId) -> AuditEntry {
        AuditEntry { account: Some(account), ..self.instance_entry(event, account) }
    }

    /// Returns an audit entry about the instance.
    pub fn instance_entry(self, event: Event, target: impl Into<String>) -> AuditEntry {
        let (user, origin) = match self {
            Self::Operator(operator) => (Some(operator.user.id), operator.origin.clone()),
            Self::Server => (None, Origin::default()),
        };
        let actor = Actor::Operator { user };
        AuditEntry { event, actor, origin, account: None, target: target.into() }
    }
}

/// A user in a session.
pub(crate) trait Authenticated: Send + Sync {
    fn user(&self) -> &User;
    fn session(&self) -> &Session;
    fn origin(&self) -> &Origin;
    /// Returns an audit entry about the user.
    fn own_entry(&self, event: Event, target: impl Into<String>) -> AuditEntry;

    /// Opens a write transaction for the user's own data.
    ///
    /// # Errors
    ///
    /// [`Code::LoggedOut`] if the session has ended since the request began to arrive.
    fn begin_own(&self, app: &AppState) -> impl Future<Output = Result<Write, Refusal>> + Send {
        let (app, session) = (app.clone(), self.session().id);
        async move {
            let mut write = app.store.write(app.now()).await?;
            if write.is_session_open(session).await? {
                Ok(write)
            } else {
                Err(Code::LoggedOut.into())
            }
        }
    }
}

impl Authenticated for Caller {
    fn user(&self) -> &User {
        &self.user
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn own_entry(&self, event: Event, target: impl Into<String>) -> AuditEntry {
        self.entry(event, target)
    }
}

impl Authenticated for Operator {
    fn user(&self) -> &User {
        &self.user
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn own_entry(&self, event: Event, target: impl Into<String>) -> AuditEntry {
        Administrator::Operator(self).instance_entry(event, target)
    }
}

impl Authenticated for CurrentUser {
    fn user(&self) -> &User {
        match self {
            Self::Member(caller) => caller.user(),
            Self::Operator(operator) => operator.user(),
        }
    }

    fn session(&self) -> &Session {
        match self {
            Self::Member(caller) => caller.session(),
            Self::Operator(operator) => operator.session(),
        }
    }

    fn origin(&self) -> &Origin {
        match self {
            Self::Member(caller) => caller.origin(),
            Self::Operator(operator) => operator.origin(),
        }
    }

    fn own_entry(&self, event: Event, target: impl Into<String>) -> AuditEntry {
        match self {
            Self::Member(caller) => caller.own_entry(event, target),
            Self::Operator(operator) => operator.own_entry(event, target),
        }
    }
}

//! The principals. Permission checks, write transactions, and audit entries depend on the principal, regardless of the
//! interface.

use crate::{
    AppState,
    refusal::{Code, Refusal, Value},
};
use keydesk_model::{
    AccountId, Actor, Event, IdempotentRequest, KeyScope, OperatorPermission, Origin, Permission,
    Timestamp, TokenOwner,
};
use keydesk_store::{
    Account, AuditEntry, ManagementKey, Member, Read, Session, Store, StoreError, User, Write,
};

/// How a principal is authenticated.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Session(Session),
    Key(Box<KeyCredential>),
}

/// A management key, and the request that it authenticates.
#[derive(Clone, Debug)]
pub(crate) struct KeyCredential {
    pub key: ManagementKey,
    /// The request that the next commit finishes, if the client can repeat it.
    pub request: Option<IdempotentRequest>,
}

/// A member of an account, in a session or by a management key.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub user: User,
    pub credential: Credential,
    pub account: Account,
    pub member: Member,
    /// The accounts of the user.
    pub accounts: Vec<Account>,
    pub is_operator: bool,
    /// Two-factor authentication is required, and the user has not set it up.
    pub must_add_factor: bool,
    pub origin: Origin,
}

/// An operator, in a session or by a management key.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub user: User,
    pub credential: Credential,
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

/// The administrator of the instance: an operator, or the command line on the server.
#[derive(Clone, Copy)]
pub(crate) enum Administrator<'a> {
    Operator(&'a Operator),
    Server,
}

impl Credential {
    /// # Errors
    ///
    /// [`Code::SessionRequired`] for a management key.
    pub fn session(&self) -> Result<&Session, Refusal> {
        match self {
            Self::Session(session) => Ok(session),
            Self::Key(_) => Err(Code::SessionRequired.into()),
        }
    }

    pub fn key(&self) -> Option<&ManagementKey> {
        match self {
            Self::Session(_) => None,
            Self::Key(credential) => Some(&credential.key),
        }
    }

    /// Returns the member with the role that the credential permits: a key never permits more than its creator did.
    pub fn limit(&self, member: Member) -> Member {
        match self.key().and_then(|key| key.role) {
            Some(role) => Member { role: member.role.min(role), ..member },
            None => member,
        }
    }

    /// Returns whether it has not ended, as the transaction sees it.
    async fn is_valid(&self, read: &mut Read, now: Timestamp) -> Result<bool, StoreError> {
        match self {
            Self::Session(session) => read.is_session_open(session.id).await,
            Self::Key(credential) => {
                let found =
                    read.find_management_key(credential.key.account, credential.key.id).await?;
                Ok(found.is_some_and(|key| key.is_active(now)))
            }
        }
    }

    /// Makes the commit finish the request of a management key.
    ///
    /// # Errors
    ///
    /// [`Code::RequestRepeated`] if the request has been carried out.
    async fn claim_request(&self, write: &mut Write) -> Result<(), Refusal> {
        let Self::Key(credential) = self else { return Ok(()) };
        if let Some(request) = credential.request
            && write.find_finished_request(request.key).await?.is_some()
        {
            return Err(Code::RequestRepeated.into());
        }
        write.finishes(credential.request);
        Ok(())
    }
}

impl Caller {
    /// Returns whether a page offers actions with this permission. The use case checks it again.
    pub fn may(&self, permission: Permission) -> bool {
        let is_in_scope = self.credential.key().is_none_or(|key| key.scopes.grant(permission));
        is_in_scope && self.member.role.may(permission)
    }

    /// Returns the session, for actions that only a user who is logged in can perform.
    pub fn session(&self) -> Result<&Session, Refusal> {
        self.credential.session()
    }

    /// Returns whether the caller can manage whatever has this owner: API tokens, their own bearer token, and those of
    /// others if they manage members.
    pub fn manages_tokens_of(&self, owner: TokenOwner) -> bool {
        match owner {
            TokenOwner::Account => self.may(Permission::ManageTokens),
            TokenOwner::Member(member) => {
                member == self.member.id || self.may(Permission::ManageMembers)
            }
        }
    }

    /// # Errors
    ///
    /// [`Code::NotPermitted`] if the role of the caller does not have the permission.
    pub fn permit(&self, permission: Permission) -> Result<(), Refusal> {
        if self.may(permission) {
            return Ok(());
        }
        if let Some(key) = self.credential.key()
            && !key.scopes.grant(permission)
        {
            return Err(scope_missing(
                KeyScope::ALL.into_iter().find(|scope| scope.permissions().contains(&permission)),
            ));
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
        self.credential.claim_request(&mut write).await?;
        let member = write.find_member(self.account.id, self.member.id).await?;
        let member = member.filter(|member| match &self.credential {
            Credential::Session(session) => member.admits(session.created_at),
            Credential::Key(_) => true,
        });
        let account = write.find_account(self.account.id).await?;
        let account = account.filter(|account| account.state.is_in_use());
        let now = write.now();
        match (member, account) {
            (Some(member), Some(account)) if self.credential.is_valid(&mut write, now).await? => {
                let member = self.credential.limit(member);
                Ok((write, Self { account, member, ..self.clone() }))
            }
            _ => Err(self.ended()),
        }
    }

    /// Returns the refusal of a caller whose session, key, or membership has ended since the request began to arrive.
    fn ended(&self) -> Refusal {
        ended(&self.credential)
    }

    pub fn actor(&self) -> Actor {
        let (user, member) = (self.user.id, Some(self.member.id));
        match self.credential.key() {
            Some(key) => Actor::ManagementKey { key: key.id, user, member },
            None => Actor::User { user, member },
        }
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

impl Operator {
    /// # Errors
    ///
    /// [`Code::ScopeRequired`] if the operator uses a management key without a scope for it.
    pub fn permit(&self, permission: OperatorPermission) -> Result<(), Refusal> {
        match self.credential.key() {
            Some(key) if !key.scopes.grant_operator(permission) => Err(scope_missing(
                KeyScope::ALL
                    .into_iter()
                    .find(|scope| scope.operator_permissions().contains(&permission)),
            )),
            _ => Ok(()),
        }
    }
}

/// Returns the refusal for a management key without the scope.
fn scope_missing(scope: Option<KeyScope>) -> Refusal {
    Refusal::new(Code::ScopeRequired).with_text("scope", scope.map_or("", KeyScope::as_str))
}

fn ended(credential: &Credential) -> Refusal {
    match credential {
        Credential::Session(_) => Code::LoggedOut.into(),
        Credential::Key(_) => Code::InvalidManagementKey.into(),
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
    /// Opens a write transaction for an action that requires a permission. Loads an operator again in it.
    pub async fn begin(
        self,
        (store, now): (&Store, Timestamp),
        permission: OperatorPermission,
    ) -> Result<Write, Refusal> {
        if let Self::Operator(operator) = self {
            operator.permit(permission)?;
        }
        self.begin_as_self((store, now)).await
    }

    /// Opens a write transaction for an action that every operator can perform. See [`Self::begin`].
    pub async fn begin_as_self(self, (store, now): (&Store, Timestamp)) -> Result<Write, Refusal> {
        let mut write = store.write(now).await?;
        let Self::Operator(operator) = self else { return Ok(write) };
        operator.credential.claim_request(&mut write).await?;
        if !operator.credential.is_valid(&mut write, now).await?
            || !write.is_operator(operator.user.id).await?
        {
            return Err(match operator.credential {
                Credential::Session(_) => Code::OperatorsOnly.into(),
                Credential::Key(_) => ended(&operator.credential),
            });
        }
        Ok(write)
    }

    /// Returns an audit entry about an account.
    pub fn entry(self, event: Event, account: AccountId) -> AuditEntry {
        AuditEntry { account: Some(account), ..self.instance_entry(event, account) }
    }

    /// Returns an audit entry about the instance.
    pub fn instance_entry(self, event: Event, target: impl Into<String>) -> AuditEntry {
        let (actor, origin) = match self {
            Self::Operator(operator) => {
                let user = operator.user.id;
                let actor = match operator.credential.key() {
                    Some(key) => Actor::ManagementKey { key: key.id, user, member: None },
                    None => Actor::Operator { user: Some(user) },
                };
                (actor, operator.origin.clone())
            }
            Self::Server => (Actor::Operator { user: None }, Origin::default()),
        };
        AuditEntry { event, actor, origin, account: None, target: target.into() }
    }
}

/// A user in a session, for their own data, which no management key gives access to.
pub(crate) trait Authenticated: Send + Sync {
    fn user(&self) -> &User;
    fn credential(&self) -> &Credential;
    fn origin(&self) -> &Origin;
    /// Returns an audit entry about the user.
    fn own_entry(&self, event: Event, target: impl Into<String>) -> AuditEntry;

    /// Opens a write transaction for the user's own data.
    ///
    /// # Errors
    ///
    /// [`Code::LoggedOut`] if the session has ended since the request began to arrive.
    fn begin_own(&self, app: &AppState) -> impl Future<Output = Result<Write, Refusal>> + Send {
        let (app, session) = (app.clone(), self.credential().session());
        let session = session.map(|session| (session.id, session.is_linked));
        async move {
            let (session, is_linked) = session?;
            if is_linked {
                return Err(Code::LinkedSession.into());
            }
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

    fn credential(&self) -> &Credential {
        &self.credential
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

    fn credential(&self) -> &Credential {
        &self.credential
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

    fn credential(&self) -> &Credential {
        match self {
            Self::Member(caller) => caller.credential(),
            Self::Operator(operator) => operator.credential(),
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

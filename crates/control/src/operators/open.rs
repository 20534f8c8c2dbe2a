//! Opening accounts and inviting owners: the first until the account has a member, or another if no owner can be
//! reached.

use crate::{
    AppState, accounts,
    mail::{Link, Message, members_with},
    members::INVITATION_LASTS,
    principal::{Administrator, Operator},
    refusal::{At as _, Code, Refusal},
    throttling::attempts::{self, Sender},
};
use keydesk_model::{
    AccountId, AccountName, AccountNumber, AttemptKind, Email, Event, InvitationId, LinkKind,
    OperatorPermission, Role,
    audit::{EmailAndRole, NewAccount},
};
use keydesk_store::{NewInvitation, StoreError, Write};

/// Opens an account and invites its first owner.
pub(crate) async fn open_account(
    app: &AppState,
    operator: &Operator,
    name: &str,
    owner: &str,
) -> Result<AccountNumber, Refusal> {
    operator.permit(OperatorPermission::ManageAccounts)?;
    let name = name.parse::<AccountName>().at("name")?;
    let owner = owner.parse::<Email>().map_err(|error| Refusal::from(error).renamed("owner"))?;
    if !app.mailer.can_send() {
        return Err(Code::EmailNotConfigured.into());
    }
    let mut write = Administrator::Operator(operator)
        .begin((&app.store, app.now()), OperatorPermission::ManageAccounts)
        .await?;
    let account = AccountId::generate(write.now(), &app.entropy);
    let number = accounts::add_account(app, &mut write, account, &name).await?;
    let named = (account, name.as_str(), &owner);
    add_first_owner(app, &mut write, named, &operator.user.name).await?;
    let after = NewAccount {
        name: name.to_string(),
        number: number.to_string(),
        owner: None,
        owner_invited: Some(owner.to_string()),
    };
    let created = Event::AccountCreated { after };
    write.commit(Administrator::Operator(operator).entry(created, account)).await?;
    Ok(number)
}

/// Invites an owner of an account. While the account has no members, the new invitation replaces earlier ones, whose
/// links stop working, for example after a wrong address. Otherwise, it adds an owner if the present ones can't be
/// reached, and they are notified.
pub(crate) async fn invite_owner(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
    owner: &str,
) -> Result<(), Refusal> {
    operator.permit(OperatorPermission::ManageAccounts)?;
    let owner = owner.parse::<Email>().map_err(|error| Refusal::from(error).renamed("owner"))?;
    if !app.mailer.can_send() {
        return Err(Code::EmailNotConfigured.into());
    }
    let sender = Sender::User(operator.user.id);
    if !attempts::may_send(app, AttemptKind::Link, &owner, sender).await? {
        return Err(Code::TooManyEmails.into());
    }
    let mut write = Administrator::Operator(operator)
        .begin((&app.store, app.now()), OperatorPermission::ManageAccounts)
        .await?;
    let account = write.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    if !account.state.is_in_use() {
        return Err(Code::NotFound.into());
    }
    // If the account has members, its owners are notified and its invitations remain. Operators can't join this way.
    let present = members_with(&mut write, account.id, |role| role == Role::Owner).await?;
    let now = write.now();
    let is_empty = write.list_members(account.id).await?.is_empty();
    if let Some(known) = write.find_user_by_email(&owner).await?
        && !is_empty
        && write.is_operator(known.id).await?
    {
        return Err(Refusal::new(Code::OwnerIsOperator).at("owner"));
    }
    if is_empty {
        for earlier in write.list_invitations(account.id, now).await? {
            write.close_invitation(account.id, earlier.id).await?;
        }
    }
    let (by, url) = (&operator.user.name, &app.settings.console_url);
    add_first_owner(app, &mut write, (account.id, &account.name, &owner), by).await?;
    let message = || Message::another_owner((&account.name, by), owner.as_str(), url);
    app.add_mail_to(&mut write, &present, message).await?;
    let after = EmailAndRole { email: owner.to_string(), role: Role::Owner };
    let invited_owner = Event::MemberInvited { after };
    write.commit(Administrator::Operator(operator).entry(invited_owner, account.id)).await?;
    Ok(())
}

/// Adds the invitation of an owner by an operator, with its email.
async fn add_first_owner(
    app: &AppState,
    write: &mut Write,
    (account, account_name, owner): (AccountId, &str, &Email),
    by: &str,
) -> Result<(), StoreError> {
    let link = Link::new(LinkKind::Invitation, INVITATION_LASTS, &app.entropy);
    let new = NewInvitation {
        id: InvitationId::generate(write.now(), &app.entropy),
        account,
        email: owner.clone(),
        role: Role::Owner,
        code_hash: link.code_hash,
        invited_by: None,
        expires_at: write.now().plus(INVITATION_LASTS),
    };
    write.add_invitation(&new).await?;
    let known = write.find_user_by_email(owner).await?;
    let api = app.openapi.title().await;
    let url = link.url(&app.settings.console_url);
    let message = Message::to(known.and_then(|user| user.language), || {
        Message::first_owner((account_name, by), &api, &url)
    });
    app.add_mail(write, owner, message.with_link(link)).await
}

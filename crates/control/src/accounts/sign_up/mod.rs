//! Sign-up, if the operator allows it: the user proves the email address first and then creates the account. Only an
//! email to the address reveals whether a user with it exists.

pub(crate) mod console;

use super::{Opening, open};
use crate::{
    AppState,
    mail::{Link, Message},
    one_time::codes,
    principal::AnonymousUser,
    refusal::{At as _, Code, Refusal},
    sessions::{NewLogin, visitor_entry},
    throttling::attempts::{self, Sender},
};
use keydesk_model::{AccountName, Actor, AttemptKind, Email, Event, LinkKind, Origin};
use keydesk_store::{SignUp, StoreError};
use std::time::Duration;

const LASTS: Duration = Duration::from_hours(24);

/// Sends a link to an unknown address, or a notice to the address of an existing user.
pub(crate) async fn ask(
    app: &AppState,
    account: &str,
    email: &str,
    origin: Origin,
) -> Result<(), Refusal> {
    let name: AccountName = account.parse::<AccountName>().at("account")?;
    let email: Email = email.parse()?;
    let sender = Sender::AnonymousUser(&origin);
    let sending = attempts::ask_to_send(app, AttemptKind::Link, Some(&email), sender).await?;
    if !sending.is_noted {
        return Ok(());
    }
    let may_send = sending.is_allowed;
    let mut write = app.store.write(app.now()).await?;
    let url = &app.settings.console_url;
    if may_send {
        let message = if let Some(user) = write.find_user_by_email(&email).await? {
            Message::to(user.language, || Message::login_exists(url))
        } else {
            let link = Link::new(LinkKind::SignUp, LASTS, &app.entropy);
            let sign_up = SignUp { email: email.clone(), account_name: name.to_string() };
            write.add_sign_up(link.code_hash, &sign_up, write.now().plus(LASTS)).await?;
            Message::sign_up(name.as_str(), &link.url(url)).with_link(link)
        };
        app.add_mail(&mut write, &email, message).await?;
    }
    write.commit(visitor_entry(Event::AccountSignUpRequested {}, "", origin)).await?;
    Ok(())
}

pub(crate) async fn find(app: &AppState, code: &str) -> Result<Option<SignUp>, StoreError> {
    app.store.read().await?.find_sign_up(codes::digest(code), app.now()).await
}

/// Creates the account of a user who has proved the email address.
pub(crate) async fn finish(
    app: &AppState,
    code: &str,
    (name, password): (&str, &str),
    visitor: &AnonymousUser,
) -> Result<Option<NewLogin>, Refusal> {
    let found = find(app, code).await?.ok_or(Code::SignUpExpired)?;
    let request = super::FirstAccount {
        account: found.account_name,
        name: name.to_owned(),
        email: found.email.to_string(),
        password: password.to_owned(),
    };
    let opening = Opening {
        actor: Actor::AnonymousUser,
        origin: &visitor.origin,
        visitor: Some(visitor),
        sign_up: Some(codes::digest(code)),
    };
    Ok(open(app, &request, opening).await?.1)
}

//! Resetting a second factor on the server.

use crate::{
    AppState,
    mail::Message,
    principal::Administrator,
    refusal::{Code, Refusal},
};
use keydesk_model::{Email, Event, audit::SecondFactorDetail};
use keydesk_store::User;

/// Removes the second factor of a user who has lost the authenticator app and the recovery codes, on the server by an
/// operator. This logs no one in: the password is still required, and the user is notified.
pub async fn reset_two_factor(app: &AppState, email: &str) -> Result<(), Refusal> {
    let email: Email = email.parse()?;
    let mut write = app.store.write(app.now()).await?;
    let user = write.find_user_by_email(&email).await?;
    let Some(User { id, email, language, .. }) = user else {
        return Err(Refusal::new(Code::UnknownUser).with_text("email", email));
    };
    let had_passkeys = write.remove_passkeys(id).await? > 0;
    if !write.remove_totp(id).await? && !had_passkeys {
        return Err(Refusal::new(Code::NoTwoFactor).with_text("email", email));
    }
    write.set_recovery_codes(id, &[]).await?;
    write.end_pending_logins(id).await?;
    // Failed attempts on a removed factor no longer lock the user out.
    write.clear_factor_attempts(id).await?;
    let removed = Event::UserSecondFactorRemoved { before: SecondFactorDetail::AUTHENTICATOR };
    let url = &app.settings.console_url;
    let message = Message::to(language, || Message::second_factor_removed(false, url));
    app.add_mail(&mut write, &email, message).await?;
    write.commit(Administrator::Server.instance_entry(removed, id)).await?;
    Ok(())
}

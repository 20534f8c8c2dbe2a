//! `keydesk setup`: creates the first account from a script.

use crate::{config::Config, data, operator::read_password, serving};
use anyhow::bail;
use keydesk_control::{FirstAccount, open_first_account};
use keydesk_model::{Actor, Origin};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the account
    #[arg(long, value_name = "NAME")]
    account: String,
    /// Email address of the owner
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Name of the owner [default: the part of the address before the @]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Read the password of the owner from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Print account, `endpoint_url` and `console_url` as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, args: Args) -> anyhow::Result<()> {
    if !args.password_stdin {
        bail!(
            "give the password on standard input, with --password-stdin; on the command line others could see it"
        );
    }
    let password = read_password()?;
    serving::check(&config)?;
    let app = data::new_app(&config).await?;
    let request = FirstAccount {
        account: args.account,
        name: args.name.unwrap_or_default(),
        email: args.email,
        password,
    };
    let number =
        open_first_account(&app, &request, Actor::Operator { user: None }, &Origin::default())
            .await?;
    let endpoint_url = app.settings.endpoint_url(number);
    let console_url = &app.settings.console_url;
    if args.json {
        let answer = serde_json::json!({
            "account": number.to_string(), "endpoint_url": endpoint_url, "console_url": console_url
        });
        print_line!("{answer}");
    } else {
        print_line!(
            "Account {number} created. Log in at {console_url}. Its endpoint URL is {endpoint_url}"
        );
    }
    app.store.close().await;
    Ok(())
}

//! `keydesk feedback`: prints the feedback of users from the Help page.

use crate::{config::Config, data};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, args: Args) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    let given = store.read().await?.list_feedback().await?;
    if given.is_empty() && !args.json {
        print_line!("No feedback yet.");
    }
    for feedback in given {
        let answered = if feedback.answered { "yes" } else { "no" };
        if args.json {
            let line = serde_json::json!({
                "at": feedback.at.to_string(), "question": feedback.question, "answered": answered,
                "comment": feedback.comment, "account": feedback.account, "email": feedback.email
            });
            print_line!("{line}");
        } else {
            // A comment is untrusted text, so it is escaped to keep it from moving the cursor or forging a line.
            let comment = feedback.comment.escape_debug();
            print_line!(
                "{}  {:<10}  {answered:<3}  {} ({})  {comment}",
                feedback.at,
                feedback.question,
                feedback.email,
                feedback.account
            );
        }
    }
    store.close().await;
    Ok(())
}

//! `keydesk account`: lists accounts and changes their plans.

use crate::{config::Config, data};
use keydesk_control::set_plan_at_server;
use keydesk_model::{AccountNumber, Month};
use keydesk_node::system;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List accounts with their plans and their usage this month
    List,
    /// Change the plan of an account
    Plan(PlanArgs),
}

#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Account number
    number: AccountNumber,
    /// Plan name [default: the default plan]
    plan: Option<String>,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    let clock = system::clock();
    match command {
        Command::List => {
            let month = Month::of(store.now(clock.now()).await?);
            let mut read = store.read().await?;
            print_line!("{:<12}{:<20}{:>12}  Name", "Account", "Plan", "Requests this month");
            for account in read.list_accounts().await? {
                let plan = config.plans.of(&account.plan);
                // Without a monthly quota nothing is counted.
                let requests = match plan.and_then(|plan| plan.monthly_quota) {
                    Some(_) => read.count_requests(account.number, month).await?.to_string(),
                    None => "-".to_owned(),
                };
                let plan = plan.map_or("none", |plan| plan.name.as_str());
                let number = account.number.to_string();
                print_line!(
                    "{number:<12}{plan:<20}{requests:>12}  {}",
                    account.name.escape_debug()
                );
            }
        }
        Command::Plan(PlanArgs { number, plan }) => {
            let plan = plan.unwrap_or_default();
            set_plan_at_server((&store, clock.now()), &config.plans, (number, &plan)).await?;
            print_line!(
                "Account {number} has {}.",
                if plan.is_empty() { "no plan of its own" } else { &plan }
            );
        }
    }
    store.close().await;
    Ok(())
}

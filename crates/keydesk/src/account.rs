//! `keydesk account`: lists accounts and changes their plans.

use crate::{config::Config, data};
use keydesk_control::set_plan_at_server;
use keydesk_model::{AccountNumber, Month};
use keydesk_node::system;
use keydesk_store::{AccountOverview, AccountSearch};

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

fn print_account(config: &Config, AccountOverview { account, requests, .. }: &AccountOverview) {
    let plan = config.plans.of(&account.plan);
    // Requests are counted only if the plan has a quota.
    let requests = match plan.and_then(|plan| plan.monthly_quota) {
        Some(_) => requests.to_string(),
        None => "-".to_owned(),
    };
    let plan = plan.map_or("none", |plan| plan.name.as_str());
    let (number, name) = (account.number.to_string(), account.name.escape_debug());
    print_line!("{number:<12}{plan:<20}{requests:>20}  {name}");
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    let clock = system::clock();
    match command {
        Command::List => {
            let month = Month::of(store.now(clock.now()).await?);
            let mut read = store.read().await?;
            print_line!("{:<12}{:<20}{:>20}  Name", "Account", "Plan", "Requests this month");
            let mut search = AccountSearch { text: String::new(), after: None, limit: 500 };
            loop {
                let page = read.search_accounts(&search, (clock.now(), month)).await?;
                let Some(last) = page.last() else { break };
                search.after = Some(last.account.number);
                for found in &page {
                    print_account(&config, found);
                }
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

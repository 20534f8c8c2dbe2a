//! The operation rules and the plans of accounts.

use super::file::{
    File, FileExpiry, FileManagementKeys, FileOperation, FilePlan, FileRequestLog, Source,
};
use anyhow::bail;
use keydesk_control::{ManagementKeyRules, Plans, RequestLogRules, RuleSource};
use keydesk_model::{
    Expiry, ExpiryPolicy, Mode, Operation, PathMatching, Plan, Rate, RateError, Rules, ScopeSet,
    Unlisted,
};
use toml::Spanned;

pub fn plans(source: &Source, file: &File) -> anyhow::Result<Plans> {
    let mut all: Vec<Plan> = Vec::new();
    for file in &file.plan {
        let name = source.given("plan.name", &file.name);
        let is_name = name
            .text
            .parse::<keydesk_model::TokenName>()
            .is_ok_and(|tidy| tidy.as_str() == name.text);
        if !is_name || all.iter().any(|plan| plan.name == name.text) {
            return Err(name.wrong("a name that no other plan has"));
        }
        all.push(plan(source, name.text, file)?);
    }
    let default = file.default_plan.as_ref().map(|value| {
        let given = source.given("default_plan", value);
        if all.iter().any(|plan| plan.name == given.text) {
            Ok(given.text)
        } else {
            Err(given.wrong("the name of a [[plan]]"))
        }
    });
    Ok(Plans { default: default.transpose()?, all })
}

fn days(source: &Source, key: &str, value: Option<&Spanned<u64>>) -> anyhow::Result<Option<u16>> {
    let Some(days) = value else { return Ok(None) };
    match u16::try_from(*days.get_ref()) {
        Ok(days @ 1..=36_500) => Ok(Some(days)),
        _ => bail!(
            "{}:{}: {key}: {} is not between 1 and 36500",
            source.path.display(),
            source.line(days.span().start),
            days.get_ref()
        ),
    }
}

pub fn management_keys(
    source: &Source,
    file: &FileManagementKeys,
) -> anyhow::Result<ManagementKeyRules> {
    let key = "management_keys.max_lifetime_days";
    let max_lifetime_days = days(source, key, file.max_lifetime_days.as_ref())?;
    let default = ManagementKeyRules::default();
    Ok(ManagementKeyRules {
        max_lifetime_days: max_lifetime_days.unwrap_or(default.max_lifetime_days),
    })
}

/// The largest number of requests that the log keeps for each account and outcome.
const MOST_LOGGED: u64 = 100_000;

pub fn request_log(source: &Source, file: &FileRequestLog) -> anyhow::Result<RequestLogRules> {
    let default = RequestLogRules::default();
    let retention_days = days(source, "request_log.retention_days", file.retention_days.as_ref())?;
    let per_account = match &file.per_account {
        None => default.per_account,
        Some(given) => match u32::try_from(*given.get_ref()) {
            Ok(most) if u64::from(most) <= MOST_LOGGED => most,
            _ => bail!(
                "{}:{}: request_log.per_account: {} is not between 0 and {MOST_LOGGED}",
                source.path.display(),
                source.line(given.span().start),
                given.get_ref()
            ),
        },
    };
    let retention_days = retention_days.unwrap_or(default.retention_days);
    Ok(RequestLogRules { per_account, retention_days })
}

pub fn expiry(source: &Source, file: &FileExpiry) -> anyhow::Result<ExpiryPolicy> {
    let max_days = days(source, "expiry.max_lifetime_days", file.max_lifetime_days.as_ref())?;
    let default = file.default.as_ref().map(|value| {
        source.given("expiry.default", value).parse("never or a number of days such as 90d")
    });
    let default: Option<Expiry> = default.transpose()?;
    let is_too_long = match (default, max_days) {
        (Some(Expiry::Days(days)), Some(most)) => days > most,
        (Some(Expiry::Never), most) => most.is_some() || file.required == Some(true),
        _ => false,
    };
    if let (true, Some(value)) = (is_too_long, &file.default) {
        let given = source.given("expiry.default", value);
        return Err(given.wrong("within what expiry.max_lifetime_days and expiry.required allow"));
    }
    Ok(ExpiryPolicy {
        max_days,
        is_required: file.required.unwrap_or(false),
        default,
        mode: mode(source, "expiry.mode", file.mode.as_ref())?,
    })
}

fn mode(source: &Source, key: &str, value: Option<&Spanned<String>>) -> anyhow::Result<Mode> {
    let mode =
        value.map(|mode| source.given(key, mode).parse("observe (rejects nothing) or enforce"));
    Ok(mode.transpose()?.unwrap_or_default())
}

fn plan(source: &Source, name: String, file: &FilePlan) -> anyhow::Result<Plan> {
    let monthly_quota = file.monthly_quota.as_ref().map(|requests| *requests.get_ref());
    if monthly_quota.is_some_and(|requests| requests == 0 || i64::try_from(requests).is_err()) {
        let line =
            file.monthly_quota.as_ref().map_or(1, |requests| source.line(requests.span().start));
        bail!(
            "{}:{line}: plan.monthly_quota: at least one call; leave it out for as many as one likes",
            source.path.display()
        );
    }
    Ok(Plan {
        name,
        rate: rate(source, "plan.rate_limit", file.rate_limit.as_ref())?,
        token_rate: rate(source, "plan.token_rate_limit", file.token_rate_limit.as_ref())?,
        monthly_quota,
        mode: mode(source, "plan.mode", file.mode.as_ref())?,
    })
}

fn rate(
    source: &Source,
    key: &str,
    value: Option<&Spanned<String>>,
) -> anyhow::Result<Option<Rate>> {
    let read = |value| {
        let given = source.given(key, value);
        given.text.parse().map_err(|error: RateError| given.wrong(format!("right: {error}")))
    };
    value.map(read).transpose()
}

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"];

pub fn rules(source: &Source, file: &File) -> anyhow::Result<RuleSource> {
    let own = file.operation.iter().map(|file| operation(source, file));
    let own = own.collect::<anyhow::Result<Vec<_>>>()?;
    let unlisted = match &file.unlisted_operations {
        None => Unlisted::default(),
        Some(value) => {
            let given = source.given("unlisted_operations", value);
            match given.text.as_str() {
                "everything" => Unlisted::Everything,
                "any" => Unlisted::Any,
                _ => {
                    return Err(
                        given.wrong("everything (a token with the scope *) or any (every token)")
                    );
                }
            }
        }
    };
    let paths = match &file.paths {
        None => PathMatching::default(),
        Some(value) => {
            let given = source.given("paths", value);
            match given.text.as_str() {
                "loose" => PathMatching::Loose,
                "exact" => PathMatching::Exact,
                _ => return Err(given.wrong("loose or exact")),
            }
        }
    };
    let rules = Rules { operations: own, unlisted, paths };
    if let Err(error) = rules.check() {
        bail!("{}: operation: {error}", source.path.display());
    }
    Ok(RuleSource { own: rules.operations, unlisted, paths })
}

fn operation(source: &Source, file: &FileOperation) -> anyhow::Result<Operation> {
    let method = source.given("operation.method", &file.method);
    if !METHODS.contains(&method.text.as_str()) {
        return Err(method.wrong("a method in capitals, such as GET, or * for all"));
    }
    let path = source.given("operation.path", &file.path);
    let template =
        path.text.parse().map_err(|error| path.wrong(format!("a path of the API: {error}")))?;
    let scopes = file.scopes.iter().map(|scope| {
        source
            .given("operation.scopes", scope)
            .parse("a scope such as contacts:read, contacts:* or *")
    });
    Ok(Operation {
        method: method.text,
        path: template,
        rate: rate(source, "operation.rate_limit", file.rate_limit.as_ref())?,
        scopes: scopes.collect::<anyhow::Result<ScopeSet>>()?,
    })
}

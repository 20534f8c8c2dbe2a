//! What the operator says of the API's operations.

use super::file::{File, FileOperation, Source};
use anyhow::bail;
use keydesk_control::RuleSource;
use keydesk_model::{Operation, Rules, ScopeSet, Unlisted};

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
    let rules = Rules { operations: own, unlisted };
    if let Err(error) = rules.check() {
        bail!("{}: operation: {error}", source.path.display());
    }
    Ok(RuleSource { own: rules.operations, unlisted })
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
        scopes: scopes.collect::<anyhow::Result<ScopeSet>>()?,
    })
}

//! The claims about a user in an ID token and from the userinfo endpoint. Each claim is read separately, so that a
//! malformed claim that is not needed causes no rejection.

use super::refusals::{fault, rejected};
use crate::refusal::Refusal;
use keydesk_model::Email;
use keydesk_store::Sso;
use serde_json::{Map, Value};

/// The identity of a user, as stated by the provider.
#[derive(Debug)]
pub(super) struct ProviderIdentity {
    pub subject: String,
    pub email: Email,
    pub name: String,
    /// The values of the role claim.
    pub values: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Claims(pub Map<String, Value>);

impl Claims {
    pub fn string(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns a time in seconds since 1970, which some providers send with a fraction.
    pub fn instant(&self, name: &str) -> Option<i64> {
        let value = self.0.get(name)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a fraction of a second does not matter"
        )]
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    /// Returns whether a claim that a login needs is missing, which the userinfo endpoint may provide.
    pub fn lacks_something(&self, sso: &Sso) -> bool {
        self.string("email").is_none()
            || self.is_email_verified().is_none()
            || self.name().is_none()
            || (!sso.role_claim.is_empty() && self.find(&sso.role_claim).is_none())
    }

    /// Adds the claims that are missing in the ID token, which takes precedence.
    pub fn complete_with(&mut self, mut more: Self) {
        // `email_verified` applies only to the address in the same source.
        match (self.string("email"), more.string("email")) {
            (None, Some(_)) => drop(self.0.remove("email_verified")),
            (Some(own), other) if other.is_some_and(|other| other != own) => {
                more.0.remove("email_verified");
            }
            _ => {}
        }
        for (name, value) in more.0 {
            let has_one = self.0.get(&name).is_some_and(|own| !own.is_null() && own != "");
            if !has_one {
                self.0.insert(name, value);
            }
        }
    }

    /// Returns whether the claims are sufficient; a name is optional.
    pub fn are_enough(&self, sso: &Sso) -> bool {
        let says_role = sso.role_claim.is_empty() || self.find(&sso.role_claim).is_some();
        says_role && self.read(sso).is_ok()
    }

    /// Returns a Boolean, which some providers send as a string.
    fn is_email_verified(&self) -> Option<bool> {
        match self.0.get("email_verified")? {
            Value::Bool(is_verified) => Some(*is_verified),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    fn name(&self) -> Option<String> {
        if let Some(name) = self.string("name") {
            return Some(name.to_owned());
        }
        let parts: Vec<_> = ["given_name", "family_name"]
            .into_iter()
            .filter_map(|part| self.string(part))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Returns the claim with this name, or at a path such as `realm_access.roles`. A name can contain dots itself.
    fn find(&self, path: &str) -> Option<&Value> {
        find(&self.0, path)
    }

    pub fn read(&self, sso: &Sso) -> Result<ProviderIdentity, Refusal> {
        let subject = self.string("sub").ok_or_else(|| fault("fault-no-subject", ""))?;
        let trusted = sso.trusts_emails;
        let login =
            || self.string("preferred_username").filter(|name| trusted && name.contains('@'));
        let email = self.string("email").or_else(login).ok_or(rejected("unfit-no-email"))?;
        match self.is_email_verified() {
            Some(true) => {}
            Some(false) => return Err(rejected("unfit-unverified-email")),
            None if trusted => {}
            None => return Err(rejected("unfit-email-unsaid")),
        }
        Ok(ProviderIdentity {
            subject: subject.to_owned(),
            email: email.parse().map_err(|_| rejected("unfit-no-email"))?,
            name: self.name().unwrap_or_default(),
            values: self.find(&sso.role_claim).map(values).unwrap_or_default(),
        })
    }
}

fn find<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(found) = object.get(path) {
        return Some(found);
    }
    path.match_indices('.')
        .find_map(|(at, _)| find(object.get(&path[..at])?.as_object()?, &path[at + 1..]))
}

/// Returns the values of a string, a list of strings, or an object with the values as keys.
fn values(claim: &Value) -> Vec<String> {
    match claim {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(list) => list.iter().flat_map(values).collect(),
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Null => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::{AccountId, Role, Timestamp};
    use keydesk_token::Entropy;
    use serde_json::json;

    fn sso(role_claim: &str, trusts_emails: bool) -> Sso {
        Sso {
            account: AccountId::generate(Timestamp::from_micros(1), &Entropy::seeded(1)),
            issuer: String::new(),
            client_id: String::new(),
            sealed: Vec::new(),
            domains: Vec::new(),
            scopes: String::new(),
            client_auth: String::new(),
            trusts_emails,
            default_role: Role::Viewer,
            role_claim: role_claim.to_owned(),
            roles: String::new(),
        }
    }

    fn claims(value: &Value) -> Claims {
        Claims(value.as_object().expect("an object").clone())
    }

    /// The claims of providers as in their documentation.
    #[test]
    fn providers_shape_their_claims_as_they_like() {
        for (provider, role_claim, trusts, value, role) in [
            (
                "Keycloak",
                "realm_access.roles",
                false,
                json!({"realm_access": {"roles": ["admins"]}, "email_verified": true}),
                "admins",
            ),
            (
                "Auth0",
                "https://acme.example/roles",
                false,
                json!({"https://acme.example/roles": ["admins"], "email_verified": true, "updated_at": "2026-11-20T10:00:00.000Z"}),
                "admins",
            ),
            (
                "Entra",
                "roles",
                true,
                json!({"roles": ["admins"], "ver": "2.0", "tid": "9122040d"}),
                "admins",
            ),
            (
                "Cognito",
                "cognito:groups",
                false,
                json!({"cognito:groups": ["admins"], "email_verified": "true", "identities": "[]"}),
                "admins",
            ),
            (
                "Zitadel",
                "urn:zitadel:iam:org:project:roles",
                false,
                json!({"urn:zitadel:iam:org:project:roles": {"admins": {"1": "acme.example"}}, "email_verified": true}),
                "admins",
            ),
            (
                "Google",
                "hd",
                false,
                json!({"hd": "acme.example", "email_verified": true, "at_hash": "x"}),
                "acme.example",
            ),
        ] {
            let mut claims = claims(&value);
            claims.0.insert("sub".to_owned(), json!("sub-1"));
            claims.0.insert("email".to_owned(), json!("ann@acme.example"));
            let claimed = claims.read(&sso(role_claim, trusts)).expect(provider);
            assert_eq!(claimed.values, [role], "{provider}");
        }
    }

    #[test]
    fn an_address_counts_when_it_is_verified_or_its_provider_is_trusted_for_it() {
        let of = |verified: Value| {
            let mut value =
                json!({"sub": "1", "email": "ann@acme.example", "picture": 7, "locale": {}});
            if !verified.is_null() {
                value["email_verified"] = verified;
            }
            claims(&value)
        };
        assert!(of(json!(true)).read(&sso("", false)).is_ok());
        assert!(of(json!("true")).read(&sso("", false)).is_ok());
        assert!(of(Value::Null).read(&sso("", false)).is_err());
        assert!(of(Value::Null).read(&sso("", true)).is_ok());
        for no in [json!(false), json!("False")] {
            assert!(of(no).read(&sso("", true)).is_err(), "no tick makes false true");
        }
        let login = claims(&json!({"sub": "1", "preferred_username": "ann@acme.example"}));
        assert!(login.read(&sso("", false)).is_err());
        assert_eq!(
            login.read(&sso("", true)).expect("an address").email.as_str(),
            "ann@acme.example"
        );
    }
}

//! The decision from token to permission, for the gateway itself, for proxies that ask, and for clients that embed the
//! check and forward nothing.

use crate::{
    LiveTable, Presented, Rejection, Response,
    arrival::{Arrival, RequestIds},
    limit::{Call, LimitCheck},
    live::{Identity, UsageCounter, UsageEvent},
    method_guard,
    method_guard::METHODS,
    observe::RequestTrace,
    permission::InFlight,
    permit::{OfAccount, Permitted},
    rate_limit::RequestCost,
    redaction::without_tokens,
    settings::Settings,
    sunset,
    target::Target,
    wire::{Field, IDENTITY_HEADERS, Kind, MOST_FIELDS, Noted},
};
use keydesk_model::{
    AccountNumber, Called, CanaryUse, Clock, Timestamp, TokenId, Violation, client_of,
};
use keydesk_token::Entropy;
use std::{net::IpAddr, sync::Arc};

/// The inputs of a decision other than the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'a> {
    pub settings: &'a Settings,
    pub table: &'a LiveTable,
    pub meter: &'a UsageCounter,
}

impl Gate<'_> {
    /// Checks that the token is known and valid, belongs to this account, and permits this request.
    pub fn permit(
        self,
        call: Call,
        target: &Target,
        (noted, presented): (&Noted, Presented),
        story: &mut RequestTrace,
    ) -> Result<(Permitted, Identity), Rejection> {
        let verified = self.table.verify(&presented, story.arrival.at);
        let verified = verified.inspect_err(|rejection| {
            if *rejection == Rejection::UnknownToken {
                return self.note_canary(call, &presented, noted, story);
            }
            let Some((account, token)) = self.table.token_of(&presented) else { return };
            if target.account.is_none_or(|named| named == account) {
                story.has_token(account, token);
            }
            if matches!(rejection, Rejection::Revoked { .. }) {
                self.note_revoked(call, token, noted, story.arrival.at);
            }
        })?;
        let own = OfAccount::new(verified, target).inspect_err(|_| {
            // The account of the token finds its client that uses a wrong URL, and the other account learns nothing.
            if let Some((account, token)) = self.table.token_of(&presented) {
                story.has_token(account, token);
            }
        })?;
        let identity = self.table.identify(own.token()).ok_or(Rejection::UnknownToken)?;
        story.is_of(own.token().number, identity.token);
        let account = self.table.account(own.token().number);
        Rejection::of_account(account.state)?;
        let mut judgement =
            LimitCheck::of(call, (identity.token, &identity.limits), &account, &self.table.rules());
        if call.path.is_some() && judgement.rejection.is_none() {
            let charged = RequestCost {
                account: own.token().number,
                token: identity.token,
                at: story.arrival.at,
                limits: &account,
                operation: judgement.rate.take(),
            };
            let paid =
                charged.charge(self.table.spending(), &mut judgement.called, &mut story.added);
            judgement.rejection = paid.err();
        }
        self.meter.note(UsageEvent {
            token: identity.token,
            agent: noted.user_agent.first,
            client_ip: call.client_ip,
            at: story.arrival.at,
            called: &judgement.called,
        });
        story.calls(&judgement.called);
        if let Some(closing) = identity.limits.closing {
            sunset::announce((identity.token, closing), self.settings, &mut story.added);
        }
        Ok((own.permit(judgement)?, identity))
    }

    /// Records the token that a request has in its query, so that its owner finds the client and can rotate it.
    #[cold]
    pub fn note_token_in_query(self, target: &Target, story: &mut RequestTrace) {
        let known = target.token_in_query().and_then(|hash| self.table.token_of_hash(&hash));
        let Some((account, token)) = known else { return };
        if target.account.is_none_or(|named| named == account) {
            story.has_token(account, token);
        }
    }

    /// Records the use of a revoked token, so that the page of a restored token shows which clients were rejected.
    fn note_revoked(self, call: Call, token: TokenId, noted: &Noted, at: Timestamp) {
        let mut called = Called { was_rejected: true, ..Called::default() };
        called.violations.add(Violation::Revoked);
        self.meter.note(UsageEvent {
            token,
            agent: noted.user_agent.first,
            client_ip: call.client_ip,
            at,
            called: &called,
        });
    }

    /// Records the use of a canary token, which is otherwise an unknown one.
    fn note_canary(self, call: Call, presented: &Presented, noted: &Noted, story: &RequestTrace) {
        self.table.note_canary(presented, |canary| {
            let agent = noted.user_agent.first.and_then(|agent| std::str::from_utf8(agent).ok());
            CanaryUse {
                canary,
                at: story.arrival.at,
                client_ip: call.client_ip.to_string(),
                client: client_of(agent).into_owned(),
                method: call.method.chars().take(20).collect(),
                path: without_tokens(call.path.unwrap_or_default()).chars().take(300).collect(),
                request_id: story.arrival.request_id.to_string(),
                uses: 1,
            }
        });
    }

    /// Does the same for a request held by another program, in which every path belongs to the upstream.
    pub fn check(
        self,
        method: &str,
        uri: &str,
        noted: &Noted,
        story: &mut RequestTrace,
    ) -> Result<Pass, Rejection> {
        reject_method(method)?;
        let target = Target::of(uri, self.settings.forms)?;
        story.is_to(&target, method, noted.user_agent.first);
        let in_query = target.reject_token_in_query(true);
        in_query.inspect_err(|_| self.note_token_in_query(&target, story))?;
        // It is unknown how the servers behind another proxy read a path.
        if !target.spellings.is_empty() {
            return Err(Rejection::AmbiguousPath { key: None });
        }
        if self.settings.rejects_method_override {
            method_guard::check_query(target.query)?;
        }
        let client_ip = story.arrival.client_ip;
        let call = Call { method, path: Some(target.path), client_ip };
        let presented = Presented::in_field(noted.authorization.first, noted.authorization.count)?;
        let (permitted, identity) = self.permit(call, &target, (noted, presented), story)?;
        Ok(Pass {
            account: permitted.token().number,
            token: identity.token,
            subject: identity.subject.to_string(),
            scopes: Arc::clone(&identity.limits.scopes),
            path: target.path.to_owned(),
            client_ip,
            request_id: story.arrival.request_id.to_string(),
            added: Vec::new(),
            permission: InFlight::new(&permitted, method, target.path, client_ip),
        })
    }
}

/// Rejects methods in lowercase: no rule lists them, but some servers treat them like the uppercase ones.
pub(crate) fn reject_method(method: &str) -> Result<(), Rejection> {
    let is_other = |byte: u8| byte.is_ascii_lowercase();
    if matches!(method, "TRACE" | "CONNECT") || method.bytes().any(is_other) {
        Err(Rejection::MethodNotAllowed { allowed: METHODS })
    } else {
        Ok(())
    }
}

/// The check for requests that another program forwards. Usable from any number of threads concurrently.
#[derive(Debug)]
pub struct Checker {
    settings: Arc<Settings>,
    table: Arc<LiveTable>,
    clock: Clock,
    request_ids: RequestIds,
    meter: UsageCounter,
}

/// A request as received.
#[derive(Clone, Copy, Debug)]
pub struct CheckRequest<'a> {
    pub method: &'a str,
    /// The path and query, exactly the bytes that are forwarded.
    pub target: &'a str,
    /// All fields of the request, including repeated ones.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// The peer address of the connection. `X-Forwarded-For` counts only if this is a trusted proxy.
    pub peer: IpAddr,
}

/// A permitted request.
#[derive(Clone, Debug)]
pub struct Pass {
    pub account: AccountNumber,
    pub token: TokenId,
    /// The ID of the member or the account.
    pub subject: String,
    /// The scopes, separated by spaces.
    pub scopes: Arc<str>,
    /// The path that was checked: without the account number if the endpoint URL has it.
    pub path: String,
    pub client_ip: IpAddr,
    pub request_id: String,
    /// Headers to add to the response.
    pub added: Vec<(&'static str, Arc<str>)>,
    permission: InFlight,
}

impl Pass {
    /// Returns the identity headers for a proxy that forwards the request itself.
    pub(crate) fn identity_fields(&self) -> [(&'static str, String); 6] {
        let [account, token, subject, scopes, path, client_ip] = IDENTITY_HEADERS;
        [
            (account, self.account.to_string()),
            (token, self.token.to_string()),
            (subject, self.subject.clone()),
            (scopes, self.scopes.to_string()),
            (path, self.path.clone()),
            (client_ip, self.client_ip.to_string()),
        ]
    }

    /// Returns the identity headers for the API, which replace those that the client sent under these names.
    pub fn identity(&self) -> [(&'static str, String); 7] {
        let [account, token, subject, scopes, path, client_ip] = self.identity_fields();
        let request_id = ("x-request-id", self.request_id.clone());
        [account, token, subject, scopes, path, client_ip, request_id]
    }
}

impl Checker {
    pub fn new(settings: Settings, table: Arc<LiveTable>, clock: Clock, entropy: &Entropy) -> Self {
        let (request_ids, meter) = (RequestIds::new(entropy), table.meter());
        Self { settings: Arc::new(settings), table, clock, request_ids, meter }
    }

    /// Returns whether a request that passed would still pass. For exchanges that stay open: the forwarder closes them
    /// when the result is false. Does not count against rates and quotas.
    pub fn still_permits(&self, pass: &Pass) -> bool {
        pass.permission.check(&self.table, self.clock.now()).is_ok()
    }

    /// Checks a request. The error is the complete response for the client.
    pub fn check(&self, asked: &CheckRequest) -> Result<Pass, Box<Response>> {
        let limit = self.settings.limits.max_headers;
        let most = usize::try_from(limit).unwrap_or(MOST_FIELDS).min(MOST_FIELDS);
        let has_room = asked.fields.len() <= most;
        let fields = asked.fields.iter().take(most).map(|(name, value)| Field { name, value });
        let fields: Vec<_> = fields.collect();
        let noted = Noted::of(&fields);
        let (id, now) = (self.request_ids.next(), self.clock.now());
        let arrival = Arrival::new(id, now, asked.peer, &noted, &self.settings);
        let mut story = RequestTrace::unreported(arrival, asked.peer);
        let gate = Gate { settings: &self.settings, table: &self.table, meter: &self.meter };
        let checked = if has_room {
            gate.check(asked.method, asked.target, &noted, &mut story)
        } else {
            Err(Rejection::TooManyHeaders { limit })
        };
        match checked {
            Ok(pass) => Ok(Pass { added: std::mem::take(&mut story.added), ..pass }),
            Err(rejection) => {
                let mut answer = rejection.to_response(&self.settings, id.as_str());
                story.add_fields(answer.headers_mut());
                Err(Box::new(answer))
            }
        }
    }
}

/// Returns whether a client's field must not reach the API: the token itself, names reserved for Keydesk, and names
/// that make servers use another method or path than the one that was checked.
pub fn is_withheld(name: &str) -> bool {
    matches!(Kind::of(name), Kind::Authorization | Kind::Withheld | Kind::RequestId)
}

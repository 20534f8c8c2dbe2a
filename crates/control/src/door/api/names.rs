//! Values of the model as JSON: instants, and names from a fixed list, which the OpenAPI document enumerates.

use keydesk_model::{
    AccountState, DeliveryState, DisabledReason, GracePeriod, KeyScope, Mode, RevocationReason,
    Role, Timestamp, UnfamiliarUse, Violation, WebhookState,
};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
        schema::{SchemaType, Type},
    },
};

/// An instant, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        text.format(Some(format)).into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Instant")
    }
}

macro_rules! named {
    ($($name:ident($inner:ty) $schema:literal: $about:literal;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub $inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                let known = <$inner>::ALL.map(|value| value.as_str()).join(", ");
                text.parse().map(Self).map_err(|_| {
                    serde::de::Error::custom(format_args!("“{text}” is none of {known}"))
                })
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
                let values = <$inner>::ALL.map(|value| value.as_str());
                text.enum_values(Some(values)).description(Some($about)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($schema)
            }
        }
    )*};
}

named! {
    RoleName(Role) "Role": "The role of a member.";
    ModeName(Mode) "Mode": "Whether limits reject requests, or are only observed.";
    GracePeriodName(GracePeriod) "GracePeriod": "The time for which a previous secret works.";
    StateName(AccountState) "AccountState": "The state of an account.";
    KeyScopeName(KeyScope) "KeyScope": "A scope of a management key. A `write` scope includes the `read` scope.";
    ReasonName(RevocationReason) "RevocationReason": "Why a secret was revoked.";
    WebhookStateName(WebhookState) "WebhookState": "Whether a webhook receives events.";
    DisabledReasonName(DisabledReason) "DisabledReason": "Why Keydesk disabled a webhook.";
    DeliveryStateName(DeliveryState) "DeliveryState": "Whether an event was delivered.";
    UnfamiliarUseName(UnfamiliarUse) "UnfamiliarUse": "What happens when an API token is used by an unfamiliar client from an unfamiliar network: nothing, an email, or an email and a pause.";
    ViolationName(Violation) "ViolationKind": "The limit that a request violates.";
}

//! Enums with a stable text for each variant, as stored and sent.

/// Implements `ALL`, `as_str`, and `FromStr` for an enum whose variants have these texts.
macro_rules! text_form {
    ($name:ident, $error:ty = $unknown:expr, { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $name {
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$variant),*];

            /// Returns the stable text, as stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($unknown),
                }
            }
        }
    };
}

pub(crate) use text_form;

#[cfg(test)]
mod tests {
    use crate::{
        AccountState, DisconnectPolicy, GracePeriod, Language, Mode, RevocationReason, Role,
        Violation,
    };

    macro_rules! assert_round_trip {
        ($($name:ident),*) => {
            $(
                for value in $name::ALL {
                    assert_eq!(value.as_str().parse(), Ok(value));
                }
                assert!("nothing of the kind".parse::<$name>().is_err());
            )*
        };
    }

    #[test]
    fn every_variant_is_read_as_it_is_written() {
        assert_round_trip!(
            AccountState,
            DisconnectPolicy,
            GracePeriod,
            Language,
            Mode,
            RevocationReason,
            Role,
            Violation
        );
    }
}

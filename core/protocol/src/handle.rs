//! External handles: 128 random bits, written as 22 characters of base64url.

use crate::randomness::Randomness;
use crate::refusal::Refusal;
use data_encoding::BASE64URL_NOPAD;

/// Declares a handle type. Each kind is a type of its own, so that a push id cannot stand where a challenge id belongs.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Characters in the text form.
            pub const TEXT_LENGTH: usize = 22;

            /// A fresh handle of 128 random bits.
            pub fn random(randomness: &dyn Randomness) -> Self {
                Self(randomness.bytes())
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The handle of these sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Refusal::Malformed("handle"))?;
                Ok(Self(bytes.try_into().map_err(|_| Refusal::Malformed("handle"))?))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, formatter)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                crate::schema::Handle::schema()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                crate::schema::Handle::name()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom("a handle is 22 characters of base64url"))
            }
        }
    };
}

handle! {
    /// Names a challenge.
    ChallengeId
}
handle! {
    /// Names an enrolment: one account of one server on one device.
    EnrolmentId
}
handle! {
    /// Names an account: one person in one organisation.
    AccountId
}
handle! {
    /// Names what makes one-time codes for an account: a phone, or any other OTP application.
    AuthenticatorId
}
handle! {
    /// Names a move: a new phone takes over from the old one.
    MoveId
}
handle! {
    /// Names a code of another service on one device.
    ForeignCodeId
}
handle! {
    /// Names one sealed message; fresh each time one is sealed.
    PushId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_canonical() {
        let id = ChallengeId::from_bytes([0xff; 16]);
        let text = id.to_string();
        assert_eq!(text.len(), ChallengeId::TEXT_LENGTH);
        assert_eq!(text.parse(), Ok(id));
        for wrong in ["", "short", &text[1..], &format!("{text}A"), &text.replace('_', "+"), "_____________________x"] {
            assert_eq!(wrong.parse::<ChallengeId>(), Err(Refusal::Malformed("handle")), "{wrong}");
        }
    }
}

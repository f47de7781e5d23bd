//! The texts of the wire as an OpenAPI description has them: their lengths, and the characters of which they are.

use std::borrow::Cow;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The schema of a text.
fn text(description: &str, pattern: &str, lengths: std::ops::RangeInclusive<usize>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .pattern(Some(pattern))
        .min_length(Some(*lengths.start()))
        .max_length(Some(*lengths.end()))
        .into()
}

/// Declares a kind of text: a type that only stands in descriptions.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $pattern:literal, $lengths:expr;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text(concat!($($doc, "\n"),+).trim(), $pattern, $lengths)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

texts! {
    /// 16 bytes in base64url, without padding and with unused bits zero.
    Handle: "^[A-Za-z0-9_-]{21}[AQgw]$", 22..=22;
    /// 32 bytes in base64url, without padding and with unused bits zero: a SHA-256.
    Digest: "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$", 43..=43;
    /// A P-256 public key, uncompressed: 65 bytes in base64url, without padding and with unused bits zero.
    Point: "^[A-Za-z0-9_-]{86}[AEIMQUYcgkosw048]$", 87..=87;
    /// A JWS in compact serialisation (RFC 7515, section 7.1).
    CompactJws: "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$", 5..=8192;
    /// A name for a request or an attempt: printable ASCII, without a space at either end.
    RequestName: "^[!-~]([ -~]*[!-~])?$", 1..=255;
    /// A time in UTC (RFC 3339), with up to three digits of fraction.
    Time: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,3})?Z$", 20..=24;
    /// A backup code: twelve digits in groups of four, of which the first is the code's number.
    BackupCode: "^[0-9]{4} [0-9]{4} [0-9]{4}$", 14..=14;
    /// A device token of Apple's: the hex of 32 to 100 bytes.
    AppleToken: "^([0-9A-Fa-f]{2}){32,100}$", 64..=200;
    /// An app's bundle identifier.
    Topic: "^[A-Za-z0-9.-]+$", 1..=155;
    /// A registration token of Firebase Cloud Messaging: printable ASCII without spaces.
    FcmToken: "^[!-~]+$", 1..=4096;
}

/// A member that is one of these words.
pub(crate) fn word(words: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied()))
}

/// An object that has only the members that are named.
fn closed() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// Declares a text that is one of a few words: a type that only stands in descriptions.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident: $words:expr;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                word(&$words).description(Some(concat!($($doc, "\n"),+).trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

words! {
    /// How a person was authenticated (RFC 8176; of a backup code also `backup_code`, which is our own word).
    Amr: ["swk", "mca", "user", "otp", "backup_code"];
}

/// What YES takes: a tap without digits, or a number of 2 or 6.
pub(crate) fn policy() -> RefOr<Schema> {
    // Null only, since no number is at least 1 and at most 0: of a member whose only type is null, openapi-generator
    // makes Java that does not compile.
    let none = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(1))
        .maximum(Some(0))
        .description(Some("None."));
    let tap = closed().property("mode", word(&["tap"])).required("mode").property("digits", none);
    // Null stands beside the numbers and not among them: generators of clients make a type of the numbers.
    let two_or_six = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([2, 6]));
    let digits = OneOfBuilder::new()
        .item(two_or_six)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some("How many digits the page shows and the person types; default 6."));
    let number = closed().property("mode", word(&["number"])).required("mode").property("digits", digits);
    OneOfBuilder::new().item(tap).item(number).description(Some("What the person must do.")).into()
}

/// A P-256 public key as a JWK.
pub(crate) fn public_key() -> RefOr<Schema> {
    let coordinate = Ref::from_schema_name(Digest::name());
    let members = closed().property("crv", word(&["P-256"])).property("kty", word(&["EC"]));
    let members = members.property("x", coordinate.clone()).property("y", coordinate);
    ["crv", "kty", "x", "y"].into_iter().fold(members, ObjectBuilder::required).into()
}

/// A place where a device is reached: each gateway has its own members.
pub(crate) fn push_registration() -> RefOr<Schema> {
    let of = |gateway: &str| closed().property("gateway", word(&[gateway])).required("gateway");
    let named = |name: Cow<'static, str>| Ref::from_schema_name(name);
    let or_none = |name: Cow<'static, str>| {
        OneOfBuilder::new().item(named(name)).item(ObjectBuilder::new().schema_type(Type::Null))
    };
    let endpoint = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(2048))
        .description(Some("A plain https address, as a URL parser (WHATWG) writes it."));
    let webpush = of("webpush").property("endpoint", endpoint).required("endpoint");
    let webpush = webpush.property("p256dh", named(Point::name())).required("p256dh");
    let webpush = webpush.property("auth", named(Handle::name())).required("auth");
    let webpush = webpush.property("application_server_key", or_none(Point::name()));
    let apns = of("apns").property("token", named(AppleToken::name())).required("token");
    let apns = apns.property("environment", word(&["production", "sandbox"])).required("environment");
    let apns = apns.property("topic", or_none(Topic::name()));
    let fcm = of("fcm").property("token", named(FcmToken::name())).required("token");
    OneOfBuilder::new().item(webpush).item(apns).item(fcm).into()
}

/// One place where a device is reached, or a list of so many at most.
pub(crate) fn push_registrations(most: usize) -> RefOr<Schema> {
    let one = Ref::from_schema_name("PushRegistration");
    let list = ArrayBuilder::new().items(one.clone()).min_items(Some(1)).max_items(Some(most));
    OneOfBuilder::new().item(one).item(list).into()
}

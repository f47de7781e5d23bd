//! Why a link is not taken, and what is worth knowing of one that is: two closed lists, with a sentence for each.

use super::link::OtpauthLink;

/// Declares [`LinkRefusal`] from its table of documentation, variant, word and English sentence.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $sentence:literal;)*) => {
        /// Why what was scanned, pasted or typed gives no codes.
        ///
        /// Nothing in it comes from the link but the name of a scheme, so that it can be logged. The sentences that
        /// people read are in the device's catalogue, under `link_` and the stable word.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum LinkRefusal {
            $($(#[$doc])* #[error($sentence)] $variant,)*
            /// It belongs to an app that shows codes of one service alone; the text is the app's name.
            #[error("it works with {0} alone: choose another authenticator app on the page that shows it")]
            OtherApp(&'static str),
            /// A scheme that nobody here knows: letters, digits, `+`, `.` and `-`, 20 at most.
            #[error("a link that begins with {0} is not one for codes")]
            UnknownScheme(String),
        }

        impl LinkRefusal {
            /// Every reason, with an example of those that name something.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$variant,)* Self::OtherApp("Duo Mobile"), Self::UnknownScheme("example".into())]
            }

            /// The stable word.
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::OtherApp(_) => "other_app",
                    Self::UnknownScheme(_) => "unknown_scheme",
                }
            }
        }
    };
}

refusals! {
    /// Nothing in it is a link or a key.
    NoLink = "none", "there is no link for codes in it: scan the code on the page, or copy the whole link";
    /// Longer than any link.
    TooLong = "too_long", "it is longer than any link for codes: scan the code on the page, or copy the link alone";
    /// Where the link ends cannot be told from the text around it, or it was broken into lines.
    NotAlone = "not_alone", "where the link ends cannot be told: copy the link alone, in one line";
    /// A secret without a link. It can be read with [`super::read_key`].
    BareKey = "bare_key", "it is a key and not a link: add it as a key, with the names of the service and the account";
    /// The enrolment link of a server of ours.
    EnrolmentLink = "enrolment", "it is the enrolment link of a Countersign server: enrol with it";
    /// The address of a page.
    WebPage = "web_page", "it is the address of a page: open it in the browser, and scan the code that it shows";
    /// A passkey, which a phone's own camera takes.
    Passkey = "passkey", "it is the code of a passkey: scan it with the camera of the phone";
    /// Mobile-OTP, whose codes need a PIN each time.
    MobileOtp = "mobile_otp", "Mobile-OTP is not supported: ask the service for codes by time";
    /// An `otpauth` link for something else than codes by time, by counter or of Steam.
    UnknownType = "unknown_type", "the link asks for a kind of code that is not supported: ask for codes by time";
    /// The secret is missing or empty.
    NoSecret = "no_secret", "the link has no secret: take a new code from the page";
    /// The secret is not base32.
    SecretCharacters = "secret_characters", "a secret has only the letters A to Z and the digits 2 to 7: type it again";
    /// The secret is longer than 128 bytes.
    SecretTooLong = "secret_too_long", "the secret is longer than any that is supported: take a new code from the page";
    /// MD5 by name.
    Md5 = "old_algorithm", "the link asks for MD5, which is not supported: ask the service for SHA-1 or SHA-256";
    /// Any other algorithm than SHA-1, SHA-256 and SHA-512.
    Algorithm = "algorithm", "the link asks for an unsupported algorithm: ask the service for SHA-1 or SHA-256";
    /// Other digits than 6 to 8.
    Digits = "digits", "the link asks for codes that do not have 6 to 8 digits: ask the service for 6";
    /// A period that is no whole number of seconds from 1 to 65 535, or none that Steam has.
    Period = "period", "the link says in no readable way how long a code lasts: ask the service for 30 seconds";
    /// A counter that is no whole number below 2^64.
    Counter = "counter", "the counter of the link cannot be read: take a new code from the page";
    /// Another way of writing a code than digits and that of Steam.
    Encoder = "encoder", "the link asks for another way of writing codes, which is not supported: ask for digits";
    /// A parameter that comes twice, with two values.
    Contradiction = "contradiction", "the link says two different things: take a new code from the page";
    /// A parameter lies where no app would look for it, so that it would be lost.
    Garbled = "garbled", "a part of the link is not where it belongs: take a new code from the page";
    /// The accounts that another app exports cannot be read.
    Batch = "batch", "the exported accounts cannot be read: export them again in the other app";
    /// A file that is none of the exports that are read.
    UnknownFile = "unknown_file", "it is no export of codes that can be read: export them in another form";
    /// A file of a known app that is cut, changed, or not in the app's form.
    DamagedFile = "damaged_file", "the file is damaged or not whole: export it again in the other app";
    /// A file of a known app in a later form than those that are read.
    NewerFile = "newer_file", "the file has a newer form than is known: update this program";
    /// A file that is larger, or holds more, than any export of codes.
    LargeFile = "large_file", "the file is larger than any export of codes: choose the export itself";
    /// An encrypted file, and no password.
    PasswordNeeded = "password_needed", "the file is encrypted: give the password that it was exported with";
    /// An encrypted file that does not open with this password.
    WrongPassword = "wrong_password", "the file does not open with this password: type it again";
    /// An encrypted file that no password opens: a fingerprint does, on the phone that made it.
    NoPassword = "no_password", "no password opens the file: set one in the other app, and export it again";
    /// An encrypted file whose key would cost more memory or time than any app asks for.
    TooCostly = "too_costly", "the file asks for more memory or time than any app: export it again in the other app";
    /// The memory that the key of the file costs is not there.
    NoMemory = "no_memory", "there is not enough free memory to open the file: close other programs and try again";
    /// An entry of a file that has not the form of one.
    DamagedEntry = "damaged_entry", "the entry cannot be read: add it from the page of its service";
    /// A password, a passkey or a note, in a file that holds codes too.
    NoCode = "no_code", "it is not a one-time code: it stays in the other app";
    /// A code that its owner threw away in the other app.
    ThrownAway = "thrown_away", "it is in the bin of the other app: take it out there and export again to have it";
}

impl LinkRefusal {
    /// What the sentence names, and the placeholder in whose place it goes.
    pub fn named(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::OtherApp(app) => Some(("app", app)),
            Self::UnknownScheme(scheme) => Some(("scheme", scheme)),
            _ => None,
        }
    }
}

/// What a person should know of codes that were taken. The codes are as the link asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Warning {
    /// The secret has fewer than 80 bits.
    ShortSecret,
    /// The secret has a number of characters that no whole bytes have, so one may be missing.
    UnevenSecret,
    /// The link of codes by counter does not say where to begin, so they begin at 0.
    CounterFromZero,
    /// The service is Steam, so its five characters are shown although the link does not ask for them.
    TakenForSteam,
    /// The other app has it in several groups; the first is kept.
    OtherGroups,
    /// The other app keeps a note with it, which stays there.
    NoteLeft,
}

impl Warning {
    /// Every warning.
    pub const ALL: [Self; 6] = [
        Self::ShortSecret,
        Self::UnevenSecret,
        Self::CounterFromZero,
        Self::TakenForSteam,
        Self::OtherGroups,
        Self::NoteLeft,
    ];

    /// The stable word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ShortSecret => "short_secret",
            Self::UnevenSecret => "uneven_secret",
            Self::CounterFromZero => "counter_from_zero",
            Self::TakenForSteam => "taken_for_steam",
            Self::OtherGroups => "other_groups",
            Self::NoteLeft => "note_left",
        }
    }
}

/// A link that was read, and what to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The link.
    pub link: OtpauthLink,
    /// What is worth knowing; mostly nothing.
    pub warnings: Vec<Warning>,
    /// The group in which the other app has it, cleaned as names are; a link alone names none.
    pub group: Option<String>,
}

/// A part of a batch that an app exported in several codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which, from 1.
    pub number: u32,
    /// Of how many, 2 or more.
    pub of: u32,
}

/// An account that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// Its names in one line; empty where it has none.
    pub name: String,
    /// Why.
    pub why: LinkRefusal,
}

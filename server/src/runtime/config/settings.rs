//! Every setting, with what may be said of it in one line. The example file, `--print-config` and the errors are made
//! of this; a test compares it with [`super::Config`].

/// What a value is, for an error that says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// An address to listen on.
    Listen,
    /// An address of the web.
    Url,
    /// A file or a folder; in a file, relative to that file's folder.
    Path,
    /// Several of them.
    Paths,
    /// A whole number.
    Number,
    /// True or false.
    Switch,
    /// A length of time.
    Age,
    /// A list of words.
    List,
    /// One of these words.
    OneOf(&'static str),
    /// A command, in whose arguments a secret may be.
    Command,
}

impl Kind {
    /// What is expected, in words.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Listen => "an address and a port, such as \"127.0.0.1:8080\" (a socket address)",
            Self::Url => "an https:// address in quotes",
            Self::Path => "the path of a file or folder, in quotes",
            Self::Paths => "a list of paths, such as [\"/etc/countersign/roots.pem\"]",
            Self::Number => "a whole number",
            Self::Switch => "a boolean: true or false",
            Self::Age => "a number and a unit, m, h or d: such as \"45m\" or \"90d\"",
            Self::List => "a list of texts, such as [\"127.0.0.1\"]",
            Self::OneOf(words) => words,
            Self::Command => "a list of a program and its arguments, such as [\"pass\", \"countersign\"]",
        }
    }

    /// Whether its values are repeated nowhere.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Command)
    }
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key, with its section's: `push.webpush.allow_private`.
    pub key: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What the example file has where there is no default.
    pub example: Option<&'static str>,
    /// What it is for, in a line.
    pub why: &'static str,
}

const fn setting(key: &'static str, kind: Kind, why: &'static str) -> Setting {
    Setting { key, kind, example: None, why }
}

const fn unset(key: &'static str, kind: Kind, example: &'static str, why: &'static str) -> Setting {
    Setting { key, kind, example: Some(example), why }
}

use Kind::{Age, Command, List, Listen, Number, OneOf, Path, Paths, Switch, Text, Url};

/// All of them, section by section; the sections' order is that of the example.
pub const SETTINGS: &[Setting] = &[
    setting("listen", Listen, "where to listen; off loopback, public_url must be said"),
    unset("public_url", Url, "\"https://login.example\"", "where phones reach this server, without a slash at its end"),
    setting("data_dir", Path, "database and keys; relative to this file's folder"),
    setting("trusted_proxies", List, "addresses of your own proxies: only they say who called, in proxy_header"),
    setting(
        "proxy_header",
        OneOf("\"x-forwarded-for\" or \"forwarded\" (RFC 7239)"),
        "the header that they write; the other is never read",
    ),
    unset("tls.cert", Path, "\"/etc/countersign/fullchain.pem\"", "the server speaks TLS itself; read again on SIGHUP"),
    unset("tls.key", Path, "\"/etc/countersign/privkey.pem\"", "its key, without a passphrase"),
    unset("master_key.file", Path, "\"/etc/countersign/master.key\"", "one of the three; default: data_dir/master.key"),
    unset("master_key.env", Text, "\"COUNTERSIGN_KEY\"", "the variable that holds it"),
    unset("master_key.command", Command, "[\"pass\", \"countersign\"]", "the command that prints it"),
    setting("push.webpush.allow_private", Switch, "true lets endpoints lead into your network: only for tests"),
    setting("push.webpush.extra_roots", Paths, "PEM files with more certificate authorities to trust"),
    unset(
        "push.apns.key_file",
        Path,
        "\"/etc/countersign/AuthKey_ABC123DEFG.p8\"",
        "iOS: Apple's developer site, Keys",
    ),
    unset("push.apns.key_id", Text, "\"ABC123DEFG\"", "the key's id"),
    unset("push.apns.team_id", Text, "\"DEF123GHIJ\"", "the developer team's id"),
    unset("push.apns.topic", Text, "\"com.example.app\"", "the app's bundle identifier"),
    setting("push.apns.base_url", Url, "another network, for a relay or a simulator"),
    setting("push.apns.sandbox_base_url", Url, "the same for apps that Xcode installed"),
    setting("push.apns.extra_roots", Paths, "PEM files with more certificate authorities to trust"),
    setting("push.apns.allow_private", Switch, "true lets the two addresses be private: only for tests"),
    unset(
        "push.fcm.service_account",
        Path,
        "\"/etc/countersign/firebase.json\"",
        "Android: Firebase console, Project settings, Service accounts",
    ),
    unset("push.fcm.base_url", Url, "\"https://fcm.googleapis.com\"", "another network, for a relay or a simulator"),
    unset("push.fcm.token_url", Url, "\"https://oauth2.googleapis.com/token\"", "default: the account's token_uri"),
    unset("push.fcm.extra_roots", Paths, "[]", "PEM files with more certificate authorities to trust"),
    unset("push.fcm.allow_private", Switch, "false", "true lets the two addresses be private: only for tests"),
    setting("webhook.allow_private", Switch, "true: receivers in your own network, and over plain http"),
    setting("webhook.extra_roots", Paths, "PEM files with more certificate authorities to trust"),
    setting("codes.strict", Switch, "true takes only the code of this very half minute"),
    setting("approval.accept_unattested", Switch, "false: a phone's word on biometrics or PIN counts only if attested"),
    setting("apps.android", List, "package names of your Android apps: links open in them, keys are believed of them"),
    setting("apps.android_signatures", List, "SHA-256 of the certificates that those are signed with"),
    setting("apps.apple", List, "team and bundle of your iPhone apps: links open in them"),
    setting(
        "attestation.android",
        OneOf("\"off\", \"warn\" or \"require\""),
        "whether a phone must prove where its key lives: what is found is kept, or demanded",
    ),
    unset(
        "attestation.roots",
        Path,
        "\"/etc/countersign/roots.pem\"",
        "in the place of Google's; read again on SIGHUP",
    ),
    unset(
        "attestation.revoked",
        Path,
        "\"/var/lib/countersign/status.json\"",
        "Google's list of withdrawn keys, from android.googleapis.com/attestation/status; read again on SIGHUP",
    ),
    setting("attestation.boot_keys", List, "SHA-256 of the boot keys of other systems than the maker's that are taken"),
    setting("retention.challenges", Age, "questions, with their receipts"),
    setting("retention.idempotency_keys", Age, "so long a request that is sent again gets the same answer"),
    setting("retention.pushes", Age, "what became of pushes"),
    setting("retention.proofs", Age, "used proofs of devices"),
    setting("retention.events", Age, "webhook events that were delivered, or died and can be told again"),
    setting("retention.journal", Age, "lines of the journal"),
    setting("retention.addresses", Age, "from where somebody acted, in those lines"),
    setting("retention.links", Age, "enrolment links that nobody used"),
    setting("retention.ended", Age, "devices and code applications that were removed"),
    unset("backup.journal", Path, "\"/mnt/other-disk/countersign\"", "the recovery journal: best on another disk"),
    setting("backup.journal_kept", Age, "how long its lines are kept: longer than any backup"),
    unset("backup.recipient", Text, "\"KEY\"", "backups are sealed to this key, which admin backup-key prints"),
    unset("backup.every", Age, "\"24h\"", "how often the server makes a backup by itself"),
    unset("backup.directory", Path, "\"/mnt/backups\"", "where it puts them"),
    unset("backup.keep.daily", Number, "7", "the newest of each of so many days"),
    unset("backup.keep.weekly", Number, "4", "of each of so many weeks"),
    unset("backup.keep.monthly", Number, "12", "of each of so many months"),
    setting("limits.connections", Number, "at one time; a tenth is kept for those who prove who they are"),
    setting("limits.connections_per_address", Number, "of one address that did not prove who it is"),
    setting("limits.questions_per_person", Number, "that wait at one time"),
    setting("limits.questions_per_person_and_relying_party", Number, "of them, so that one leaves room for others"),
    setting("limits.creations_per_second", Number, "of a relying party, without a YES"),
    setting("limits.creations_burst", Number, "so many of them at once"),
    setting("limits.waits_per_relying_party", Number, "long polls at one time"),
    setting("limits.enrolments_per_person", Number, "links that are open at one time"),
    setting("limits.enrolments_per_second", Number, "links of a relying party that no device comes with"),
    setting("limits.enrolments_burst", Number, "so many of them at once"),
    setting("limits.failures_per_second", Number, "unknown keys and wrong signatures told as such to one address"),
    setting("limits.failures_burst", Number, "so many of them at once"),
    setting("limits.turns_per_relying_party", Number, "requests worked on at one time; the others wait for their turn"),
    unset("metrics.listen", Listen, "\"127.0.0.1:9464\"", "figures there alone; else at /metrics, for this machine"),
    setting("log.format", OneOf("\"text\" or \"json\""), "for people, or for programs"),
    setting("log.access", Switch, "true: a line for each answer"),
    setting("log.addresses", Switch, "true: with the caller's address, which is personal data"),
];

/// The setting of this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Whether this is a section, in which settings are.
pub fn is_section(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

/// The key that somebody probably meant, if there is one that is written nearly so.
pub fn nearest(key: &str) -> Option<&'static str> {
    let near = |setting: &&Setting| strsim::levenshtein(key, setting.key);
    let best = SETTINGS.iter().min_by_key(near)?;
    // One letter in four may be wrong, or the last part is right and stands in the wrong section.
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let misplaced = || SETTINGS.iter().find(|setting| last(setting.key) == last(key)).map(|setting| setting.key);
    if strsim::levenshtein(key, best.key) <= key.len().div_ceil(4) { Some(best.key) } else { misplaced() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_nearly_so_is_found() {
        for (written, meant) in [
            ("listens", Some("listen")),
            ("limits.conections", Some("limits.connections")),
            ("limit.connections", Some("limits.connections")),
            ("connections", Some("limits.connections")),
            ("push.webpush.allow_privat", Some("push.webpush.allow_private")),
            ("colour", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }
}

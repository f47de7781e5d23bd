//! Who is who in the demo.

/// The organisation of the demo's sites.
pub const ORGANISATION: &str = "Harbour Hosting";
/// The name under which the site asks.
pub(crate) const SITE: &str = "Harbour Hosting customer area";
/// Another site of the same organisation, where somebody else signs in at the same time.
pub(crate) const WEBMAIL: &str = "Harbour Webmail";
/// The demo's person.
pub(crate) const PERSON: &str = "maya@harbour.example";
/// How the site greets that person.
pub(crate) const NAME: &str = "Maya";

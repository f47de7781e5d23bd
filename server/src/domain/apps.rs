//! Which apps are the operator's own.

/// The apps that an operator gives to people. Each list may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apps {
    /// The package names of those for Android.
    pub android: Vec<String>,
    /// SHA-256 of the certificates with which those are signed.
    pub android_signatures: Vec<[u8; 32]>,
    /// The application ids of those for iPhones: team and bundle.
    pub apple: Vec<String>,
}

//! What a database holds, seen before it is opened for work.

/// What a database holds, seen before it is opened for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// The version of its schema; 0 for one in which nothing was ever made.
    pub schema: u32,
    /// Whether it knows the root of a server.
    pub has_root: bool,
    /// Whether it has a key that signs, which is made after the root.
    pub has_signing_key: bool,
}

//! Why the demo does not go on.

/// Why the demo does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder is not the demo's, or what is in it cannot be read; the text says what to do.
    #[error("{0}")]
    Folder(String),
    /// A phone of the demo cannot be opened.
    #[error(transparent)]
    Phone(#[from] countersign_desktop::Unusable),
    /// The system does not give what is needed.
    #[error("the demo: {0}")]
    System(String),
}

impl From<std::io::Error> for DemoError {
    fn from(error: std::io::Error) -> Self {
        Self::System(error.to_string())
    }
}

impl From<https_client::UnusableClient> for DemoError {
    fn from(error: https_client::UnusableClient) -> Self {
        Self::System(error.to_string())
    }
}

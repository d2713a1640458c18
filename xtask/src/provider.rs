//! The payment providers that the boxes can be composed with.

use std::path::Path;

use clap::ValueEnum;

/// A payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// The stand-in, which needs nothing.
    Mock,
    /// Stripe.
    Stripe,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Mock, Self::Stripe];

    /// The application with this provider.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Mock => "spin.toml",
            Self::Stripe => "spin.stripe.toml",
        }
    }

    /// Where the boxes that hold it are, below the folder of the compositions and below that of the composed boxes.
    /// Boxes without a provider are the same for all, and lie in the folder itself.
    pub fn folder(self) -> &'static Path {
        Path::new(match self {
            Self::Mock => "",
            Self::Stripe => "stripe",
        })
    }
}

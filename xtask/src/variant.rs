//! What the application can be composed with.

use clap::{Args, ValueEnum};

/// A payment provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// The stand-in, which needs nothing.
    #[default]
    Mock,
    /// Stripe.
    Stripe,
}

/// Where data is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Storage {
    /// Files of this machine.
    #[default]
    Sqlite,
    /// A server that several replicas share.
    Postgres,
}

impl Storage {
    /// What it is called on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One way to compose the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Variant {
    /// The payment provider; Stripe needs its keys, see docs/stripe.md.
    #[arg(long, default_value = "mock")]
    pub provider: Provider,
    /// Where data is kept; see docs/scaling.md for PostgreSQL.
    #[arg(long, default_value = "sqlite")]
    pub storage: Storage,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::of(Provider::Mock, Storage::Sqlite),
        Self::of(Provider::Stripe, Storage::Sqlite),
        Self::of(Provider::Mock, Storage::Postgres),
        Self::of(Provider::Stripe, Storage::Postgres),
    ];

    const fn of(provider: Provider, storage: Storage) -> Self {
        Self { provider, storage }
    }

    /// The application's manifest. All but the first are made from it, and ignored by git.
    pub const fn manifest(self) -> &'static str {
        match (self.provider, self.storage) {
            (Provider::Mock, Storage::Sqlite) => "spin.toml",
            (Provider::Stripe, Storage::Sqlite) => "spin.stripe.toml",
            (Provider::Mock, Storage::Postgres) => "spin.postgres.toml",
            (Provider::Stripe, Storage::Postgres) => "spin.postgres.stripe.toml",
        }
    }

    /// Where a composed component lies, below `target/components`.
    pub fn file(self, component: &str) -> String {
        let folder = match (self.provider, self.storage) {
            (Provider::Mock, Storage::Sqlite) => "",
            (Provider::Stripe, Storage::Sqlite) => "stripe/",
            (Provider::Mock, Storage::Postgres) => "postgres/",
            (Provider::Stripe, Storage::Postgres) => "postgres-stripe/",
        };
        format!("{folder}{component}.wasm")
    }

    /// The options of `cargo xtask` that choose it.
    pub fn options(self) -> String {
        let mut options = String::new();
        if self.provider == Provider::Stripe {
            options.push_str(" --provider stripe");
        }
        if self.storage == Storage::Postgres {
            options.push_str(" --storage postgres");
        }
        options
    }
}

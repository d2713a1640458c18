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

/// How payment events reach orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Over Redis, or in the runner.
    Redis,
    /// By a request of the component that has the event.
    Http,
}

/// One way to compose the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Variant {
    /// The payment provider; Stripe needs its keys, see docs/stripe.md.
    #[arg(long, default_value = "mock")]
    pub provider: Provider,
    /// Where data is kept; see docs/scaling.md for PostgreSQL.
    #[arg(long, default_value = "sqlite")]
    storage: Storage,
    /// As on a hosted platform: on PostgreSQL, without Redis and timers, see docs/edge.md.
    #[arg(long)]
    edge: bool,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::of(Provider::Mock, Storage::Sqlite),
        Self::of(Provider::Stripe, Storage::Sqlite),
        Self::of(Provider::Mock, Storage::Postgres),
        Self::of(Provider::Stripe, Storage::Postgres),
        Self::on_edge(Provider::Mock),
        Self::on_edge(Provider::Stripe),
    ];

    /// With that provider and store.
    pub const fn of(provider: Provider, storage: Storage) -> Self {
        Self {
            provider,
            storage,
            edge: false,
        }
    }

    /// For a hosted platform.
    pub const fn on_edge(provider: Provider) -> Self {
        Self {
            provider,
            storage: Storage::Postgres,
            edge: true,
        }
    }

    /// Where data is kept.
    pub const fn storage(self) -> Storage {
        if self.edge {
            Storage::Postgres
        } else {
            self.storage
        }
    }

    /// How events reach orders.
    pub const fn events(self) -> Events {
        if self.edge {
            Events::Http
        } else {
            Events::Redis
        }
    }

    /// The application's manifest. All but the first are made from it, and ignored by git.
    pub const fn manifest(self) -> &'static str {
        match (self.provider, self.storage(), self.events()) {
            (Provider::Mock, _, Events::Http) => "spin.edge.toml",
            (Provider::Stripe, _, Events::Http) => "spin.edge.stripe.toml",
            (Provider::Mock, Storage::Sqlite, _) => "spin.toml",
            (Provider::Stripe, Storage::Sqlite, _) => "spin.stripe.toml",
            (Provider::Mock, Storage::Postgres, _) => "spin.postgres.toml",
            (Provider::Stripe, Storage::Postgres, _) => "spin.postgres.stripe.toml",
        }
    }

    /// Where a composed component lies, below `target/components`.
    pub fn file(self, component: &str) -> String {
        let folder = match (self.provider, self.storage(), self.events()) {
            (Provider::Mock, _, Events::Http) => "edge/",
            (Provider::Stripe, _, Events::Http) => "edge-stripe/",
            (Provider::Mock, Storage::Sqlite, _) => "",
            (Provider::Stripe, Storage::Sqlite, _) => "stripe/",
            (Provider::Mock, Storage::Postgres, _) => "postgres/",
            (Provider::Stripe, Storage::Postgres, _) => "postgres-stripe/",
        };
        format!("{folder}{component}.wasm")
    }

    /// The options of `cargo xtask` that choose it.
    pub fn options(self) -> String {
        let mut options = String::new();
        if self.provider == Provider::Stripe {
            options.push_str(" --provider stripe");
        }
        if self.edge {
            options.push_str(" --edge");
        } else if self.storage == Storage::Postgres {
            options.push_str(" --storage postgres");
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_on_postgres_whatever_is_said() {
        let said = Variant {
            storage: Storage::Sqlite,
            ..Variant::on_edge(Provider::Stripe)
        };
        assert_eq!(said.storage(), Storage::Postgres);
        assert_eq!(said.manifest(), "spin.edge.stripe.toml");
        assert_eq!(said.options(), " --provider stripe --edge");
    }
}

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
    /// Of the edge, but in files: what the simulation lives with.
    #[arg(skip)]
    simulated: bool,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::of(Provider::Mock, Storage::Sqlite),
        Self::of(Provider::Stripe, Storage::Sqlite),
        Self::of(Provider::Mock, Storage::Postgres),
        Self::of(Provider::Stripe, Storage::Postgres),
        Self::on_edge(Provider::Mock),
        Self::on_edge(Provider::Stripe),
        Self::SIMULATED_EDGE,
    ];

    /// The application for hosted platforms as the simulation has it: its clock does not wait for a server, so it is in files.
    pub const SIMULATED_EDGE: Self = Self {
        provider: Provider::Stripe,
        storage: Storage::Sqlite,
        edge: true,
        simulated: true,
    };

    /// With that provider and store.
    pub const fn of(provider: Provider, storage: Storage) -> Self {
        Self {
            provider,
            storage,
            edge: false,
            simulated: false,
        }
    }

    /// For a hosted platform.
    pub const fn on_edge(provider: Provider) -> Self {
        Self {
            provider,
            storage: Storage::Postgres,
            edge: true,
            simulated: false,
        }
    }

    /// Where data is kept.
    pub const fn storage(self) -> Storage {
        if self.edge && !self.simulated {
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
            (Provider::Stripe, Storage::Sqlite, Events::Http) => "spin.edge.simulated.toml",
            (Provider::Stripe, Storage::Postgres, Events::Http) => "spin.edge.stripe.toml",
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
            (Provider::Stripe, Storage::Sqlite, Events::Http) => "edge-simulated/",
            (Provider::Stripe, Storage::Postgres, Events::Http) => "edge-stripe/",
            (Provider::Mock, Storage::Sqlite, _) => "",
            (Provider::Stripe, Storage::Sqlite, _) => "stripe/",
            (Provider::Mock, Storage::Postgres, _) => "postgres/",
            (Provider::Stripe, Storage::Postgres, _) => "postgres-stripe/",
        };
        format!("{folder}{component}.wasm")
    }

    /// What runs it.
    pub fn user(self) -> String {
        if self.simulated {
            return "the simulation of reliability/".to_owned();
        }
        format!("`cargo xtask up{}`", self.options())
    }

    /// The options of `cargo xtask` that choose it; the simulated one is built with all others alone.
    pub fn options(self) -> String {
        let mut options = String::new();
        if self.simulated {
            return options;
        }
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
    use std::collections::BTreeSet;

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

    #[test]
    fn no_two_variants_are_in_one_place() {
        let all = Variant::ALL.into_iter();
        let places = all.map(|variant| (variant.manifest(), variant.file("a")));
        let (manifests, files): (BTreeSet<_>, BTreeSet<_>) = places.unzip();
        assert_eq!((manifests.len(), files.len()), (7, 7));
    }
}

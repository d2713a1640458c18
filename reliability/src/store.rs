//! What a world keeps its databases in: files, or a PostgreSQL of its own.

use std::sync::Arc;

use mercato::Builder;
use mercato_tests::Postgres;

use crate::world::{DATABASES, Folder, copy_databases};

/// Where data is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// Files.
    #[default]
    Sqlite,
    /// A server.
    Postgres,
    /// A server, and the application for hosted platforms: without Redis and timers.
    Edge,
}

impl Storage {
    /// The one of that name; files for no name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn named(name: &str) -> Self {
        match name {
            "" | "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            "edge" => Self::Edge,
            other => panic!("nothing is called {other}; there are sqlite, postgres, edge"),
        }
    }

    /// Whether it can be had on this machine; says so when it cannot.
    ///
    /// # Panics
    /// When every tool is required and there is no PostgreSQL.
    pub fn is_there(self) -> bool {
        self == Self::Sqlite || Postgres::is_there()
    }
}

/// Keeps a copy of every table, and where the sequences are.
const KEEP: &str = "
DROP SCHEMA IF EXISTS kept CASCADE;
CREATE SCHEMA kept;
DO $$
DECLARE
  tables CURSOR FOR SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public';
BEGIN
  CREATE TABLE kept.\"sequences\" AS
    SELECT sequencename AS name, last_value AS value FROM pg_sequences WHERE schemaname = 'public';
  FOR this IN tables LOOP
    EXECUTE format('CREATE TABLE kept.%1$I AS SELECT * FROM public.%1$I', this.name);
  END LOOP;
END
$$";

/// Puts the tables and sequences back to the copy. Triggers and foreign keys have nothing to say meanwhile.
const RESTORE: &str = "
DO $$
DECLARE
  tables CURSOR FOR SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public';
  numbers CURSOR FOR SELECT name, value FROM kept.\"sequences\";
  columns TEXT;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', TRUE);
  FOR this IN tables LOOP
    -- What the server computes itself cannot be written.
    SELECT string_agg(quote_ident(attname), ', ')
    INTO columns
    FROM pg_attribute
    WHERE attrelid = format('public.%I', this.name)::REGCLASS AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('DELETE FROM public.%I', this.name);
    EXECUTE format('INSERT INTO public.%1$I (%2$s) SELECT %2$s FROM kept.%1$I', this.name, columns);
  END LOOP;
  FOR this IN numbers LOOP
    PERFORM setval(format('public.%I', this.name), COALESCE(this.value, 1), this.value IS NOT NULL);
  END LOOP;
END
$$";

/// The databases of a world.
pub(crate) enum Store {
    Files(Folder),
    Server {
        /// Which application.
        storage: Storage,
        postgres: Arc<Postgres>,
        /// For what is not a database.
        folder: Folder,
    },
}

/// The content of a world's databases at some moment.
pub(crate) enum Kept {
    Files(Folder),
    /// Kept beside the databases, of which there is one content at a time.
    Server,
}

impl Store {
    /// New databases.
    pub(crate) fn new(storage: Storage) -> Self {
        let folder = Folder::new();
        match storage {
            Storage::Sqlite => Self::Files(folder),
            Storage::Postgres | Storage::Edge => {
                let postgres = Postgres::start_if_there().expect("a PostgreSQL");
                let postgres = Arc::new(postgres);
                Self::Server {
                    storage,
                    postgres,
                    folder,
                }
            }
        }
    }

    /// The folder of the files, and of what is not a database.
    pub(crate) const fn folder(&self) -> &Folder {
        match self {
            Self::Files(folder) | Self::Server { folder, .. } => folder,
        }
    }

    /// The application that is kept here, with that provider.
    pub(crate) const fn manifest(&self, has_stripe: bool) -> &'static str {
        let storage = match self {
            Self::Files(_) => Storage::Sqlite,
            Self::Server { storage, .. } => *storage,
        };
        match (storage, has_stripe) {
            (Storage::Sqlite, false) => "spin.toml",
            (Storage::Sqlite, true) => "spin.stripe.toml",
            (Storage::Postgres, false) => "spin.postgres.toml",
            (Storage::Postgres, true) => "spin.postgres.stripe.toml",
            (Storage::Edge, false) => "spin.edge.toml",
            (Storage::Edge, true) => "spin.edge.stripe.toml",
        }
    }

    /// Whether its application has timers.
    pub(crate) const fn has_timers(&self) -> bool {
        !matches!(
            self,
            Self::Server {
                storage: Storage::Edge,
                ..
            }
        )
    }

    /// Names the databases to a shop.
    pub(crate) fn name_to(&self, shop: Builder) -> Builder {
        match self {
            Self::Files(_) => shop,
            Self::Server { postgres, .. } => {
                let variables = postgres.shop(postgres.port()).into_iter();
                variables.fold(shop, |shop, (name, value)| shop.variable(name, value))
            }
        }
    }

    /// The content as it is now.
    pub(crate) fn keep(&self) -> Kept {
        match self {
            Self::Files(folder) => {
                let kept = Folder::new();
                copy_databases(folder, &kept);
                Kept::Files(kept)
            }
            Self::Server { postgres, .. } => {
                run(postgres, KEEP);
                Kept::Server
            }
        }
    }

    /// Comes back to what was kept.
    pub(crate) fn restore(&self, kept: &Kept) {
        match (self, kept) {
            (Self::Files(folder), Kept::Files(kept)) => copy_databases(kept, folder),
            (Self::Server { postgres, .. }, Kept::Server) => run(postgres, RESTORE),
            _ => panic!("what was kept is another world's"),
        }
    }
}

fn run(postgres: &Postgres, statements: &str) {
    for label in DATABASES {
        postgres.run(&format!("mercato_{label}"), statements);
    }
}

//! Further connections to the database of a native test, for what happens when several change it at the same time.

use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use crate::backend::{Backend, postgres};
use crate::{Connection, Database, Error, Migrations, Open};

/// Opens further connections to a database of a PostgreSQL, in other threads, too.
#[derive(Debug, Clone)]
pub struct Beside {
    label: &'static str,
    migrations: Migrations,
    /// Its name at the server.
    name: String,
}

impl Database {
    /// What opens further connections to this database; none when it is a SQLite in memory, which has only one.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn beside(&self) -> Result<Option<Beside>, Error> {
        let open = self.open()?;
        if open.keyed().is_none() {
            return Ok(None);
        }
        let name = "SELECT CAST(current_database() AS TEXT)";
        let row = open.connection.query_one(name, &[])?;
        row.map(|row| {
            Ok(Beside {
                label: self.label,
                migrations: self.migrations,
                name: row.get(0)?,
            })
        })
        .transpose()
    }

    /// Lets so many writers, each with its number, change this database: at the same time, each with a connection of its own, or one
    /// after the other when there is one connection only.
    ///
    /// # Errors
    /// When there are no connections to be had.
    pub fn change_at_once(
        &self,
        writers: u64,
        work: impl Fn(&Self, u64) + Sync,
    ) -> Result<(), Error> {
        let Some(beside) = self.beside()? else {
            (0..writers).for_each(|writer| work(self, writer));
            return Ok(());
        };
        thread::scope(|scope| {
            let begin = |writer| {
                let (beside, work) = (beside.clone(), &work);
                scope.spawn(move || {
                    work(&beside.open()?, writer);
                    Ok(())
                })
            };
            let threads: Vec<_> = (0..writers).map(begin).collect();
            let mut ends = threads.into_iter().map(ScopedJoinHandle::join);
            ends.try_for_each(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}

impl Beside {
    /// Another connection.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn open(&self) -> Result<Database, Error> {
        let database = Database::new(self.label, self.migrations);
        let backend = postgres::Backend::beside(&self.name)?;
        let open = Open::new(Connection(Backend::Postgres(backend)))?;
        database.connection.replace(Some(open));
        Ok(database)
    }
}

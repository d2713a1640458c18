//! A PostgreSQL database that a shop moves into.

use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use super::catalogue::Catalogue;
use super::fault;
use super::value::Kind;
use crate::capabilities::postgres::{address, servers};
use crate::error::{Error, Result};
use crate::limits::{POSTGRES_CONNECT_TIME, POSTGRES_LOCK_TIME};

/// What the server shows of whom it works for.
const APPLICATION_NAME: &str = "mercato import";

const COLUMNS: &str = "
SELECT c.relname::TEXT, c.relkind::TEXT, a.attname::TEXT, format_type(a.atttypid, NULL), a.attidentity::TEXT <> ''
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::REGNAMESPACE
  AND c.relkind IN ('r', 'v')
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND a.attgenerated = ''";

const REFERENCES: &str = "
SELECT child.relname::TEXT, parent.relname::TEXT
FROM pg_constraint AS k
JOIN pg_class AS child ON child.oid = k.conrelid
JOIN pg_class AS parent ON parent.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = current_schema()::REGNAMESPACE";

const HAS_VERSION: &str = "
SELECT to_regclass('schema_version') IS NOT NULL";

const VERSION: &str = "
SELECT label, version
FROM schema_version";

/// Where the database remembers what was imported into it.
const MARK: &str = "
SELECT obj_description('schema_version'::REGCLASS, 'pg_class')";

/// What that begins with.
const MARK_HEAD: &str = "imported from export ";

/// A connection to one database.
pub(super) struct Target {
    /// Its label.
    pub label: &'static str,
    /// Its name and server, without the password.
    place: String,
    client: Client,
}

impl Target {
    /// Connects.
    ///
    /// # Errors
    /// When the address is none, or the server does not let anybody in.
    pub(super) async fn connect(
        label: &'static str,
        given: &str,
        ca_root: Option<&str>,
    ) -> Result<Self> {
        let named = |why: String| fault(format!("{label}_database_url: {why}"));
        let config = address::parse(given).map_err(named)?;
        let tls = servers::tls(&config, ca_root).map_err(|cause| named(format!("{cause:?}")))?;
        let config = for_long_work(config);
        let place = place_of(&config);
        let connecting = async {
            Ok(match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    // What ends it, the next statement says.
                    tokio::spawn(async move { drop(connection.await) });
                    client
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(async move { drop(connection.await) });
                    client
                }
            })
        };
        let client = connecting.await;
        let client = client.map_err(|cause: tokio_postgres::Error| {
            fault(format!(
                "database `{label}` ({place}): cannot connect: {}; check {label}_database_url and that the server runs",
                said(&cause)
            ))
        })?;
        Ok(Self {
            label,
            place,
            client,
        })
    }

    /// The connection.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Why nothing can be imported into it.
    pub(super) fn fail(&self, message: impl std::fmt::Display) -> Error {
        fault(format!(
            "database `{}` ({}): {message}",
            self.label, self.place
        ))
    }

    /// What the server says, without values of rows.
    pub(super) fn said(&self, cause: &tokio_postgres::Error) -> Error {
        if cause.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return self.fail("it is in use: stop the shops that run on it, then import again");
        }
        self.fail(said(cause))
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn run(&self, statements: &str) -> Result<()> {
        let done = self.client.batch_execute(statements).await;
        done.map_err(|cause| self.said(&cause))
    }

    /// Runs a statement and gives its rows.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn query(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let rows = self.client.query(statement, parameters).await;
        rows.map_err(|cause| self.said(&cause))
    }

    /// Runs a statement that gives one value.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn value<T>(&self, statement: &str) -> Result<T>
    where
        T: for<'r> tokio_postgres::types::FromSql<'r>,
    {
        let row = self.client.query_one(statement, &[]).await;
        let value = row.and_then(|row| row.try_get(0));
        value.map_err(|cause| self.said(&cause))
    }

    /// The version of its schema; none when there is none yet.
    ///
    /// # Errors
    /// When it is the database of another label.
    pub(super) async fn version(&self) -> Result<Option<u32>> {
        if !self.value::<bool>(HAS_VERSION).await? {
            return Ok(None);
        }
        let rows = self.query(VERSION, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let read = || Ok((row.try_get(0)?, row.try_get(1)?));
        let (label, version): (String, i64) =
            read().map_err(|cause: tokio_postgres::Error| self.said(&cause))?;
        if label != self.label {
            return Err(self.fail(format!(
                "it is the shop's database `{label}`: check the addresses"
            )));
        }
        Ok(u32::try_from(version).ok())
    }

    /// The export that it was filled from, if it was.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn imported_from(&self) -> Result<Option<String>> {
        let mark: Option<String> = self.value(MARK).await?;
        let id = mark
            .as_deref()
            .and_then(|mark| mark.strip_prefix(MARK_HEAD));
        Ok(id.map(str::to_owned))
    }

    /// Notes that it is filled from that export, in the transaction.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn mark(&self, id: &str) -> Result<()> {
        // A comment takes no parameter.
        let text = format!("{MARK_HEAD}{id}").replace('\'', "''");
        self.run(&format!("COMMENT ON TABLE schema_version IS '{text}'"))
            .await
    }

    /// What tables it has.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn catalogue(&self) -> Result<Catalogue> {
        let mut catalogue = Catalogue::default();
        for row in self.query(COLUMNS, &[]).await? {
            let read = || {
                Ok((
                    row.try_get(0)?,
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                ))
            };
            let (table, relation, column, kind, is_numbered): (
                String,
                String,
                String,
                String,
                bool,
            ) = read().map_err(|cause: tokio_postgres::Error| self.said(&cause))?;
            if is_numbered {
                catalogue.numbered.insert(table.clone(), column.clone());
            }
            let those = if relation == "v" {
                &mut catalogue.views
            } else {
                &mut catalogue.tables
            };
            let columns = those.entry(table).or_default();
            columns.insert(column, Kind::of_postgres(&kind));
        }
        for row in self.query(REFERENCES, &[]).await? {
            let read = || Ok((row.try_get(0)?, row.try_get(1)?));
            let pair = read().map_err(|cause: tokio_postgres::Error| self.said(&cause))?;
            catalogue.references.push(pair);
        }
        Ok(catalogue)
    }
}

/// The address without limits of time, which are made for requests; a table takes as long as it takes.
fn for_long_work(mut config: Config) -> Config {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(POSTGRES_CONNECT_TIME);
    }
    let options = config.get_options().unwrap_or_default();
    let lock_ms = POSTGRES_LOCK_TIME.as_millis();
    // The last one of a name counts.
    let options = format!(
        "{options} -c client_min_messages=warning -c lock_timeout={lock_ms} -c statement_timeout=0 \
         -c idle_in_transaction_session_timeout=0"
    );
    config.options(options.trim());
    config.application_name(APPLICATION_NAME);
    config
}

/// Which database of which server an address names.
fn place_of(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    let name = config.get_dbname().or(config.get_user());
    format!("{} at {}", name.unwrap_or("?"), hosts.join(", "))
}

/// What a failure says. The server's detail is left out: it has values of rows.
fn said(cause: &tokio_postgres::Error) -> String {
    if let Some(answer) = cause.as_db_error() {
        return answer.message().to_owned();
    }
    match std::error::Error::source(cause) {
        Some(source) => format!("{cause}: {source}"),
        None => cause.to_string(),
    }
}

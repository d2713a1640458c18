//! The databases that components use: a pool of connections for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address;
use super::connection::Connection;
use crate::capabilities::bindings::spin::postgres::postgres::Error;
use crate::limits::{
    POSTGRES_DATABASES_MAX, POSTGRES_PAUSE, POSTGRES_STATEMENT_TIME, POSTGRES_WAIT_TIME,
};
use crate::observe::metrics::Metrics;
use crate::sync::lock;

/// An address and a root certificate to trust.
type Target = (String, Option<String>);

/// The databases of all components, by address and root certificate.
pub(crate) struct Servers {
    pools: Mutex<HashMap<Target, Arc<Pool>>>,
    /// Connections of each.
    connections_max: usize,
    metrics: Arc<Metrics>,
}

impl Servers {
    pub(crate) fn new(connections_max: usize, metrics: &Arc<Metrics>) -> Self {
        Self {
            pools: Mutex::default(),
            connections_max,
            metrics: Arc::clone(metrics),
        }
    }

    /// The pool of that database.
    pub(super) fn pool(
        &self,
        address: &str,
        config: Config,
        ca_root: Option<&str>,
    ) -> Result<Arc<Pool>, Error> {
        let key = (address.to_owned(), ca_root.map(str::to_owned));
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(&key) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= POSTGRES_DATABASES_MAX {
            let message = format!("more than {POSTGRES_DATABASES_MAX} databases are in use");
            return Err(Error::ConnectionFailed(message));
        }
        let pool = Arc::new(Pool {
            tls: tls(&config, ca_root)?,
            config: address::with_limits(config),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(self.connections_max)),
            down_until: Mutex::default(),
            metrics: Arc::clone(&self.metrics),
        });
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }
}

/// How to encrypt; none when the address forbids it.
///
/// # Errors
/// When the root certificate cannot be read.
pub(crate) fn tls(
    config: &Config,
    ca_root: Option<&str>,
) -> Result<Option<MakeRustlsConnect>, Error> {
    if config.get_ssl_mode() == SslMode::Disable {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    // A certificate of the system that cannot be read is as good as none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca_root {
        roots.add(root_certificate(pem)?).map_err(unfit)?;
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|cause| Error::Other(format!("TLS cannot be used: {cause}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// Reads a root certificate.
pub(super) fn root_certificate(pem: &str) -> Result<CertificateDer<'static>, Error> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(unfit)
}

fn unfit(cause: impl std::fmt::Display) -> Error {
    Error::Other(format!("invalid root certificate: {cause}"))
}

/// The connections to one database.
pub(super) struct Pool {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Until then the server counts as down.
    down_until: Mutex<Option<Instant>>,
    pub(super) metrics: Arc<Metrics>,
}

/// A connection on loan. It goes back by [`Lease::give_back`]; dropped otherwise, it is closed, which takes back what was not
/// committed.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// A connection, when one is free.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Error> {
        if self.counts_as_down() {
            return Err(unreachable("it was not reachable a moment ago"));
        }
        let permits = Arc::clone(&self.permits);
        let permit = if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            permit
        } else {
            self.metrics.postgres_waits.inc();
            let waited = timeout(POSTGRES_WAIT_TIME, permits.acquire_owned()).await;
            waited
                .map_err(|_| unreachable("all its connections are in use"))?
                .map_err(|_| unreachable("the shop is closing"))?
        };
        let connection = match self.idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease {
            connection: Some(connection),
            pool: Arc::clone(self),
            _permit: permit,
        })
    }

    fn idle(&self) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        while let Some(connection) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, Error> {
        match self.try_connect().await {
            Ok(connection) => Ok(connection),
            Err(cause) => {
                self.metrics.postgres_failures.inc();
                *lock(&self.down_until) = Some(Instant::now() + POSTGRES_PAUSE);
                Err(unreachable(cause))
            }
        }
    }

    async fn try_connect(&self) -> Result<Connection, String> {
        let gauge = &self.metrics.postgres_connections;
        let connecting = async {
            Ok(match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    tokio::spawn(connection);
                    Connection::new(client, gauge)
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    Connection::new(client, gauge)
                }
            })
        };
        // The library's own limit is for each address of each server.
        let connected = timeout(POSTGRES_STATEMENT_TIME, connecting).await;
        connected
            .map_err(|_| "connecting took too long".to_owned())?
            .map_err(|cause: tokio_postgres::Error| format!("{cause:?}"))
    }

    fn counts_as_down(&self) -> bool {
        lock(&self.down_until).is_some_and(|until| Instant::now() < until)
    }
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        let gone = || unreachable("the connection is closed");
        self.connection.as_mut().ok_or_else(gone)
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_closed(&self) -> bool {
        self.connection.as_ref().is_none_or(Connection::is_closed)
    }

    /// Puts the connection back for others.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take()
            && !connection.is_closed()
        {
            lock(&self.pool.idle).push(connection);
        }
    }

    /// Ends the connection, and what the server still does on it.
    pub(super) fn abandon(mut self) {
        self.pool.metrics.postgres_failures.inc();
        if let Some(connection) = self.connection.take() {
            connection.abandon();
        }
    }
}

pub(super) fn unreachable(why: impl std::fmt::Display) -> Error {
    Error::ConnectionFailed(format!("the database is not reachable: {why}"))
}

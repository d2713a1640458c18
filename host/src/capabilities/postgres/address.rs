//! What an address of a database says, and what the runner adds to it.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::limits::{
    POSTGRES_CONNECT_TIME, POSTGRES_IDLE_IN_TRANSACTION_TIME, POSTGRES_KEEPALIVE,
    POSTGRES_LOCK_TIME, POSTGRES_SERVER_STATEMENT_TIME, POSTGRES_SILENCE_TIME,
};
use crate::manifest::allowed_hosts::AllowedHosts;

/// The port of PostgreSQL.
const PORT: u16 = 5432;

/// What a server shows of whom it works for.
const APPLICATION_NAME: &str = "mercato";

/// Which messages a server sends that are no errors.
const MESSAGES: &str = "client_min_messages";

/// Settings of the server for each connection, unless the address has them.
const OPTIONS: [(&str, Duration); 3] = [
    // A replica that is cut off in the middle of a transaction keeps its locks no longer than that.
    (
        "idle_in_transaction_session_timeout",
        POSTGRES_IDLE_IN_TRANSACTION_TIME,
    ),
    ("lock_timeout", POSTGRES_LOCK_TIME),
    ("statement_timeout", POSTGRES_SERVER_STATEMENT_TIME),
];

/// Reads an address, `postgres://user:password@host:5432/name?…` or `host=… user=…`.
///
/// # Errors
/// What is wrong with it; never the address itself, which holds a password.
pub(crate) fn parse(address: &str) -> Result<Config, String> {
    address.parse().map_err(|_| {
        "the address is not one like postgres://user:password@host:5432/name".to_owned()
    })
}

/// Whether all servers in it are granted.
///
/// # Errors
/// The server that is not.
pub(super) fn check(config: &Config, hosts: &AllowedHosts) -> Result<(), String> {
    let ports = config.get_ports();
    if config.get_hosts().is_empty() {
        return Err("the address names no server".into());
    }
    for (index, host) in config.get_hosts().iter().enumerate() {
        let name = match host {
            Host::Tcp(name) => name,
            #[cfg(unix)]
            Host::Unix(_) => return Err("Unix sockets are not supported on WebAssembly".into()),
        };
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(PORT);
        let server = format!("postgres://{name}:{port}");
        if !hosts.allows_address(&server, "postgres") {
            return Err(format!("address {server} is not permitted"));
        }
    }
    Ok(())
}

/// The address with the limits of the runner, where it has none of its own.
pub(super) fn with_limits(mut config: Config) -> Config {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(POSTGRES_CONNECT_TIME);
    }
    if config.get_application_name().is_none() {
        config.application_name(APPLICATION_NAME);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(POSTGRES_SILENCE_TIME);
    }
    config.keepalives_idle(POSTGRES_KEEPALIVE);
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(POSTGRES_KEEPALIVE);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(1);
    }
    let mut options = config.get_options().unwrap_or_default().to_owned();
    // Notices would only go into the log.
    if !options.contains(MESSAGES) {
        options.push_str(&format!(" -c {MESSAGES}=warning"));
    }
    for (name, time) in OPTIONS {
        if !options.contains(name) {
            options.push_str(&format!(" -c {name}={}", time.as_millis()));
        }
    }
    config.options(options.trim());
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_servers_are_reached() {
        let hosts = ["postgres://127.0.0.1:5432", "postgres://db:*"];
        let hosts = AllowedHosts::parse(hosts, &[]).unwrap();
        for granted in [
            "postgres://a:b@127.0.0.1/c",
            "postgres://a:b@127.0.0.1:5432/c?sslmode=disable",
            "host=db,127.0.0.1 port=7,5432 user=a",
            "host=db port=1 user=a",
        ] {
            let config = parse(granted).unwrap();
            assert_eq!(check(&config, &hosts), Ok(()), "{granted}");
        }
        for (other, why) in [
            ("postgres://a:b@127.0.0.1:5433/c", "not permitted"),
            ("host=db,else port=1,2 user=a", "not permitted"),
            ("host=/run/postgresql user=a", "Unix sockets"),
            ("user=a", "names no server"),
        ] {
            let message = check(&parse(other).unwrap(), &hosts).unwrap_err();
            assert!(message.contains(why), "{other}: {message}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_does_not_tell_the_password() {
        let message = parse("postgres://a:secret@b:port/c").unwrap_err();
        assert!(!message.contains("secret"), "{message}");
    }

    #[test]
    fn limits_of_the_address_stay() {
        let given = "host=a connect_timeout=7 application_name=mine options='-c lock_timeout=1'";
        let config = with_limits(parse(given).unwrap());
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(7)));
        assert_eq!(config.get_application_name(), Some("mine"));
        let options = config.get_options().unwrap();
        assert_eq!(options.matches("lock_timeout").count(), 1, "{options}");
        for (name, _) in OPTIONS {
            assert!(options.contains(name), "{options}");
        }
    }
}

//! Which hosts a component may reach: `allowed_outbound_hosts`, read as Spin reads it.

use std::net::IpAddr;

/// The suffix of a component's own host name.
pub const CHAINING_SUFFIX: &str = ".spin.internal";

/// The hosts of one component.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    scheme: Option<String>,
    host: Host,
    ports: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// `.example.com`, for `*.example.com`
    Subdomain(String),
    Literal(String),
    Network(IpAddr, u8),
    /// Relative requests; there are none here.
    Itself,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ports {
    Any,
    One(u16),
    /// End excluded.
    Range(u16, u16),
}

/// Scheme, host and port of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// For example `https`.
    pub scheme: String,
    /// Lower case, without brackets.
    pub host: String,
    /// The port, or the scheme's own.
    pub port: Option<u16>,
}

impl Target {
    /// Takes an address apart; one without a scheme is taken to have the given one.
    #[must_use]
    pub fn parse(address: &str, default_scheme: &str) -> Option<Self> {
        let (scheme, rest) = address
            .split_once("://")
            .unwrap_or((default_scheme, address));
        let authority = rest.split(['/', '?', '#']).next()?;
        let host_and_port = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let (host, port) = split_port(host_and_port);
        if host.is_empty() || scheme.is_empty() {
            return None;
        }
        let port = match port {
            None => default_port(scheme),
            Some(port) => Some(port.parse().ok()?),
        };
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            host: bare_host(host),
            port,
        })
    }
}

/// Separates `:port`, leaving the colons of an IPv6 address alone.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((before, port)) if before.ends_with(']') || !before.contains(':') => {
            (before, Some(port))
        }
        _ => (host, None),
    }
}

fn bare_host(host: &str) -> String {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase()
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "mqtt" => Some(1883),
        _ => None,
    }
}

impl AllowedHosts {
    /// Reads the entries of a component, templates already filled. `http://*.spin.internal` means the components
    /// of this application and nothing else.
    ///
    /// # Errors
    /// A sentence that names the entry.
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = &'a str>,
        components: &[String],
    ) -> Result<Self, String> {
        let mut hosts = Vec::new();
        for entry in entries {
            // An empty variable stands for an optional endpoint.
            if matches!(entry, "" | "http://" | "https://") {
                continue;
            }
            let allowed = AllowedHost::parse(entry)
                .map_err(|reason| format!("allowed_outbound_hosts entry {entry:?} {reason}"))?;
            match &allowed.host {
                Host::Subdomain(suffix) if suffix == CHAINING_SUFFIX => {
                    hosts.extend(components.iter().map(|id| AllowedHost {
                        host: Host::Literal(format!("{id}{CHAINING_SUFFIX}")),
                        ..allowed.clone()
                    }))
                }
                _ => hosts.push(allowed),
            }
        }
        Ok(Self(hosts))
    }

    /// Whether a target is allowed.
    #[must_use]
    pub fn allows(&self, target: &Target) -> bool {
        self.0.iter().any(|allowed| allowed.allows(target))
    }

    /// Whether an address such as `redis://127.0.0.1:6379` is allowed.
    #[must_use]
    pub fn allows_address(&self, address: &str, default_scheme: &str) -> bool {
        Target::parse(address, default_scheme).is_some_and(|target| self.allows(&target))
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<Self, String> {
        let (scheme, rest) = entry
            .trim()
            .split_once("://")
            .ok_or("must have the form <scheme>://<host>[:<port>], with `*` allowed for each")?;
        if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(char::is_alphabetic)) {
            return Err("has a scheme that is not alphabetic".into());
        }
        // Unlike Spin's parser, credentials are cut off: `redis_url` may carry a password.
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        if let Some(network) = parse_network(rest) {
            return Ok(Self {
                scheme: wildcard(scheme),
                host: network,
                ports: Ports::parse("", scheme)?,
            });
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // The number after a Redis address selects a database; it is not a path.
        if !path.is_empty() && scheme != "redis" {
            return Err("must not have a path".into());
        }
        let (host, port) = split_port(authority);
        Ok(Self {
            scheme: wildcard(scheme),
            host: Host::parse(host)?,
            ports: Ports::parse(port.unwrap_or(""), scheme)?,
        })
    }

    fn allows(&self, target: &Target) -> bool {
        self.scheme
            .as_ref()
            .is_none_or(|scheme| *scheme == target.scheme)
            && self.host.allows(&target.host)
            && self.ports.allows(target.port)
    }
}

fn wildcard(scheme: &str) -> Option<String> {
    (scheme != "*").then(|| scheme.to_ascii_lowercase())
}

fn parse_network(text: &str) -> Option<Host> {
    let (address, prefix) = text.split_once('/')?;
    let address: IpAddr = bare_host(address).parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= bits).then_some(Host::Network(address, prefix))
}

impl Host {
    fn parse(host: &str) -> Result<Self, String> {
        match host {
            "" => return Err("has no host".into()),
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if let Some(domain) = host.strip_prefix("*.") {
            return if domain.is_empty() || domain.contains('*') {
                Err("may have `*` only in front".into())
            } else {
                Ok(Self::Subdomain(format!(".{}", domain.to_ascii_lowercase())))
            };
        }
        if host.contains('*') {
            return Err("may have `*` only for a whole host or as its first label".into());
        }
        if host.contains(['{', '}', ' ']) {
            return Err("has a host that is not one".into());
        }
        Ok(Self::Literal(bare_host(host)))
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Subdomain(suffix) => {
                host.parse::<IpAddr>().is_err() && host.ends_with(suffix.as_str())
            }
            Self::Literal(literal) => literal == host,
            Self::Network(network, prefix) => host
                .parse::<IpAddr>()
                .is_ok_and(|address| same_network(*network, address, *prefix)),
            Self::Itself => false,
        }
    }
}

fn same_network(network: IpAddr, address: IpAddr, prefix: u8) -> bool {
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let shift = 32 - u32::from(prefix);
            u32::from(a).checked_shr(shift) == u32::from(b).checked_shr(shift)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let shift = 128 - u32::from(prefix);
            u128::from(a).checked_shr(shift) == u128::from(b).checked_shr(shift)
        }
        _ => false,
    }
}

impl Ports {
    fn parse(port: &str, scheme: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u16>()
                .map_err(|_| format!("has the port {text:?}, which is not a number"))
        };
        match port {
            "" => default_port(scheme)
                .map(Self::One)
                .ok_or_else(|| format!("needs a port: {scheme:?} has no usual one")),
            "*" => Ok(Self::Any),
            _ => match port.split_once("..") {
                Some((from, to)) => Ok(Self::Range(number(from)?, number(to)?)),
                None => Ok(Self::One(number(port)?)),
            },
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::One(allowed) => port == Some(*allowed),
            Self::Range(from, to) => port.is_some_and(|port| (*from..*to).contains(&port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entries: &[&str]) -> AllowedHosts {
        AllowedHosts::parse(
            entries.iter().copied(),
            &["orders-api".into(), "gateway".into()],
        )
        .unwrap()
    }

    #[test]
    fn entries_allow_what_they_say_and_nothing_else() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (
                "https://api.stripe.com",
                &["https://api.stripe.com/v1", "https://API.stripe.com:443"],
                &[
                    "http://api.stripe.com",
                    "https://api.stripe.com:444",
                    "https://x.api.stripe.com",
                ],
            ),
            (
                "https://*.example.com",
                &["https://a.example.com", "https://a.b.example.com"],
                &["https://example.com", "https://badexample.com"],
            ),
            ("*://*:*", &["redis://x:1", "http://y"], &[]),
            (
                "redis://127.0.0.1:6379",
                &[
                    "redis://127.0.0.1",
                    "127.0.0.1:6379",
                    "redis://u:p@127.0.0.1:6379/0",
                ],
                &["redis://127.0.0.1:6380", "redis://localhost"],
            ),
            (
                "redis://user:secret@cache:6379/2",
                &["redis://user:secret@cache:6379/2"],
                &["redis://user:secret@evil:6379"],
            ),
            (
                "http://10.0.0.0/8",
                &["http://10.200.3.4"],
                &["http://11.0.0.1", "http://ten.example"],
            ),
            (
                "http://[::1]:8000..8010",
                &["http://[::1]:8000", "http://[::1]:8009"],
                &["http://[::1]:8010"],
            ),
        ];
        for (entry, yes, no) in cases {
            let hosts = allowed(&[entry]);
            for address in *yes {
                assert!(
                    hosts.allows_address(address, "redis"),
                    "{entry} should allow {address}"
                );
            }
            for address in *no {
                assert!(
                    !hosts.allows_address(address, "redis"),
                    "{entry} should not allow {address}"
                );
            }
        }
    }

    #[test]
    fn the_chaining_wildcard_means_this_applications_components() {
        let hosts = allowed(&["http://*.spin.internal"]);
        assert!(hosts.allows_address("http://orders-api.spin.internal/x", "http"));
        assert!(!hosts.allows_address("http://nobody.spin.internal/x", "http"));
        assert!(!hosts.allows_address("https://orders-api.spin.internal/x", "http"));
    }

    #[test]
    fn nothing_is_allowed_by_default_or_by_an_empty_variable() {
        assert!(!allowed(&[]).allows_address("http://x", "http"));
        assert!(!allowed(&["", "https://"]).allows_address("https://x", "http"));
    }

    #[test]
    fn wrong_entries_are_named() {
        let error = |entry: &str| AllowedHosts::parse([entry], &[]).unwrap_err();
        assert_eq!(
            error("example.com"),
            "allowed_outbound_hosts entry \"example.com\" must have the form <scheme>://<host>[:<port>], with `*` allowed for each"
        );
        assert_eq!(
            error("https://x/path"),
            "allowed_outbound_hosts entry \"https://x/path\" must not have a path"
        );
        assert_eq!(
            error("ftp://x"),
            "allowed_outbound_hosts entry \"ftp://x\" needs a port: \"ftp\" has no usual one"
        );
        assert_eq!(
            error("http://x:y"),
            "allowed_outbound_hosts entry \"http://x:y\" has the port \"y\", which is not a number"
        );
        assert_eq!(
            error("http://a*"),
            "allowed_outbound_hosts entry \"http://a*\" may have `*` only for a whole host or as its first label"
        );
    }
}

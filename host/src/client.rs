//! The client of a request, as far as limits per client are concerned.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName};
use mercato_platform::client::ip_address;

use crate::limits::CLIENT_REQUESTS_MAX;
use crate::sync::lock;

/// Most proxies one behind the other.
const TRUSTED_PROXIES_MAX: usize = 16;
/// Bits of an IPv6 address that distinguish one customer of a provider from another.
const IPV6_PREFIX_BITS: u32 = 64;

/// Each proxy puts the address that it was asked from at the end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An IPv4 address, or the network of an IPv6 address: a client that has one of its addresses has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let mask = u128::MAX << (u128::BITS - IPV6_PREFIX_BITS);
                Self(Ipv6Addr::from_bits(address.to_bits() & mask).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many proxies stand in front and can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies(usize);

impl Proxies {
    /// Reads the variable `trusted_proxies`; a value that no component takes either counts as none.
    pub(crate) fn parse(text: &str) -> Self {
        let number = text.trim().parse().ok();
        Self(
            number
                .filter(|number| *number <= TRUSTED_PROXIES_MAX)
                .unwrap_or_default(),
        )
    }

    /// Whether there are proxies in front.
    pub(crate) fn are_there(self) -> bool {
        self.0 > 0
    }

    /// The client of a request: the entry that the first of the proxies made; when there is none or it is no
    /// address, the peer of the connection.
    pub(crate) fn client(self, headers: &HeaderMap, connected: SocketAddr) -> Client {
        self.0
            .checked_sub(1)
            .and_then(|behind| {
                let values = headers.get_all(FORWARDED_FOR);
                let entries = values
                    .iter()
                    .rev()
                    .filter_map(|value| value.to_str().ok())
                    .flat_map(|value| value.rsplit(','));
                entries.map(ip_address).nth(behind).flatten()
            })
            .unwrap_or_else(|| connected.ip())
            .into()
    }
}

/// Counts the requests under way of each client. Needed behind proxies only: without them connections are counted.
#[derive(Default)]
pub(crate) struct Requests(Arc<Mutex<HashMap<Client, usize>>>);

/// A request under way; dropped when it is answered.
pub(crate) struct Underway {
    requests: Arc<Mutex<HashMap<Client, usize>>>,
    client: Client,
}

impl Requests {
    /// Notes a request; `None` when its client has too many already.
    pub(crate) fn begin(&self, client: Client) -> Option<Underway> {
        let mut requests = lock(&self.0);
        let count = requests.entry(client).or_default();
        if *count >= CLIENT_REQUESTS_MAX {
            return None;
        }
        *count += 1;
        Some(Underway {
            requests: Arc::clone(&self.0),
            client,
        })
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut requests = lock(&self.requests);
        if let Some(count) = requests.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                requests.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(text: &str) -> Client {
        Client::from(text.parse::<IpAddr>().unwrap())
    }

    fn found(forwarded: &[&'static str], proxies: &str) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let connected = "10.0.0.1:4711".parse().unwrap();
        Proxies::parse(proxies).client(&headers, connected)
    }

    #[test]
    fn a_whole_ipv6_network_is_one_client() {
        assert_eq!(client("2001:db8:1:2::3"), client("2001:db8:1:2:ffff::4"));
        assert_ne!(client("2001:db8:1:2::3"), client("2001:db8:1:3::3"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }

    #[test]
    fn the_header_counts_only_behind_proxies() {
        let forged_first = ["203.0.113.9, 192.0.2.1", " 10.0.0.2"];
        for (proxies, expected) in [
            ("0", "10.0.0.1"),
            ("1", "10.0.0.2"),
            ("2", "192.0.2.1"),
            ("4", "10.0.0.1"),
            ("99", "10.0.0.1"),
            ("yes", "10.0.0.1"),
        ] {
            assert_eq!(found(&forged_first, proxies), client(expected), "{proxies}");
        }
        assert_eq!(found(&["192.0.2.7:80"], "1"), client("192.0.2.7"));
        assert_eq!(found(&["[2001:db8::1]:80"], "1"), client("2001:db8::1"));
        assert_eq!(found(&["nonsense"], "1"), client("10.0.0.1"));
    }

    #[test]
    fn a_client_has_so_many_requests_under_way_and_no_more() {
        let requests = Requests::default();
        let (one, other) = (client("192.0.2.1"), client("192.0.2.2"));
        let mut held: Vec<_> = (0..CLIENT_REQUESTS_MAX)
            .map(|_| requests.begin(one).unwrap())
            .collect();
        assert!(requests.begin(one).is_none());
        assert!(requests.begin(other).is_some());
        held.pop();
        assert!(requests.begin(one).is_some());
        drop(held);
        assert!(requests.0.lock().unwrap().is_empty());
    }
}

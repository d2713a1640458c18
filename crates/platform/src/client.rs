//! Where a request comes from, as far as requests are counted by it (docs/decisions/0013).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An IPv6 network of this length belongs to one subscriber, who has all its addresses (RFC 6177).
const IPV6_NETWORK_BITS: u32 = 64;

/// The network that a request comes from: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    /// The client of that address; none when the text is no IP address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: IpAddr = text.parse().ok()?;
        Some(Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(network(address)),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }

    /// The network, to count by.
    #[must_use]
    pub fn network(&self) -> String {
        self.0.to_string()
    }
}

fn network(address: Ipv6Addr) -> Ipv6Addr {
    let mask = u128::MAX << (u128::BITS - IPV6_NETWORK_BITS);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`: proxies write all of them.
#[must_use]
pub fn ip_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let unbracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bare = unbracketed.unwrap_or(text).parse().ok();
    bare.or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_a_client_of_its_own_however_written() {
        let client = Client::parse("192.0.2.7").unwrap();
        assert_eq!(client.network(), "192.0.2.7");
        assert_eq!(Client::parse("::ffff:192.0.2.7"), Some(client.clone()));
        assert_ne!(Client::parse("192.0.2.8"), Some(client));
    }

    #[test]
    fn ipv6_addresses_of_one_network_are_one_client() {
        let client = Client::parse("2001:db8:1:2::1").unwrap();
        assert_eq!(
            Client::parse("2001:0DB8:1:2:ffff:ffff:ffff:ffff"),
            Some(client.clone())
        );
        assert_ne!(Client::parse("2001:db8:1:3::1"), Some(client));
    }

    #[test]
    fn what_is_no_address_is_no_client() {
        for text in [
            "",
            "localhost",
            "192.0.2",
            "192.0.2.7:80",
            "[::1]",
            "::1%eth0",
            " ::1",
        ] {
            assert_eq!(Client::parse(text), None, "{text}");
        }
    }
}

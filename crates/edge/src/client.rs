//! Which IP address a request comes from.
//!
//! The host says in `spin-client-addr` who is connected to it. A value that the client sent itself is removed by our
//! runner; Spin keeps it and puts its own behind it (`prepare_request_headers` in its crate `trigger-http`), so the last
//! one is the host's. Behind proxies that is the proxy; the variable `trusted_proxies` says how many there are.

use std::cell::Cell;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use mercato_platform::client::ip_address;
use mercato_platform::log;
use mercato_settings::TRUSTED_PROXIES;

use crate::{Context, Problem};
use mercato_contracts::variables::variables;

const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");

/// Each proxy puts the address that it was asked from at the end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom Spin names when it is a component that asks; our runner names nobody then.
const A_COMPONENT: &str = "0.0.0.0:0";

thread_local! {
    /// The number of proxies, read once per instance.
    static NUMBER_OF_PROXIES: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The client's IP address, if the host tells one.
///
/// # Errors
/// 500 when `trusted_proxies` cannot be used: the log says why.
pub async fn address(context: &Context) -> Result<Option<String>, Problem> {
    let proxies = trusted_proxies().await?;
    let connected = context.header_values(&CLIENT_ADDRESS).next_back();
    let forwarded: Vec<&str> = context.header_values(&FORWARDED_FOR).collect();
    let address = client(connected, &forwarded, proxies);
    Ok(address.map(|address| address.to_string()))
}

/// The number of proxies in front.
///
/// # Errors
/// 500 when the variable cannot be used: the log says why.
pub async fn trusted_proxies() -> Result<usize, Problem> {
    if let Some(known) = NUMBER_OF_PROXIES.get() {
        return Ok(known);
    }
    let text = variables::get("trusted_proxies".to_owned()).await;
    let text = text.map_err(|error| unusable(&error.to_string()))?;
    let number = proxies(&text).ok_or_else(|| {
        let expected = format!(
            "set it to a whole number from 0 to {}",
            TRUSTED_PROXIES.end()
        );
        unusable(&format!("it is {text:?}: {expected}"))
    })?;
    NUMBER_OF_PROXIES.set(Some(number));
    Ok(number)
}

/// Whether a client asks, and not a component or the runner. What a client says of itself cannot hide it: the host says
/// something, too.
pub(crate) fn comes_from_outside(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(&CLIENT_ADDRESS).iter();
    named.any(|value| value != A_COMPONENT)
}

fn unusable(cause: &str) -> Problem {
    log::error("trusted_proxies cannot be used", &[("cause", cause)]);
    Problem::internal()
}

fn proxies(text: &str) -> Option<usize> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number| TRUSTED_PROXIES.contains(number))?;
    usize::try_from(number).ok()
}

/// With proxies, the entry that the first of them made; when there is none or it is no address, whoever is connected.
fn client(connected: Option<&str>, forwarded: &[&str], proxies: usize) -> Option<IpAddr> {
    let entries = forwarded.iter().flat_map(|value| value.split(','));
    let entries: Vec<&str> = entries.collect();
    let named = proxies
        .checked_sub(1)
        .and_then(|behind| entries.into_iter().rev().nth(behind))
        .and_then(ip_address);
    named.or_else(|| connected.and_then(ip_address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTED: Option<&str> = Some("10.0.0.1:4711");

    fn found(connected: Option<&str>, forwarded: &[&str], proxies: usize) -> Option<String> {
        client(connected, forwarded, proxies).map(|address| address.to_string())
    }

    #[test]
    fn only_what_the_host_says_tells_who_asks() {
        let is_outside = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CLIENT_ADDRESS, http::HeaderValue::from_static(value));
            }
            comes_from_outside(&headers)
        };
        assert!(!is_outside(&[]) && !is_outside(&[A_COMPONENT]));
        assert!(is_outside(&["192.0.2.1:80"]));
        assert!(is_outside(&[A_COMPONENT, "192.0.2.1:80"]));
    }

    #[test]
    fn without_proxies_the_client_is_who_is_connected() {
        assert_eq!(found(CONNECTED, &[], 0).unwrap(), "10.0.0.1");
        assert_eq!(found(CONNECTED, &["192.0.2.1"], 0).unwrap(), "10.0.0.1");
        assert_eq!(
            found(Some("[2001:db8::1]:80"), &[], 0).unwrap(),
            "2001:db8::1"
        );
        assert_eq!(found(None, &["192.0.2.1"], 0), None);
    }

    #[test]
    fn behind_proxies_the_client_is_whoever_asked_the_first() {
        let forged_first = ["203.0.113.9, 192.0.2.1", " 10.0.0.2"];
        assert_eq!(found(CONNECTED, &forged_first, 1).unwrap(), "10.0.0.2");
        assert_eq!(found(CONNECTED, &forged_first, 2).unwrap(), "192.0.2.1");
        assert_eq!(found(None, &forged_first, 2).unwrap(), "192.0.2.1");
    }

    #[test]
    fn addresses_are_understood_however_a_proxy_writes_them() {
        for (entry, address) in [
            ("192.0.2.1:8080", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:8080", "2001:db8::1"),
        ] {
            assert_eq!(found(CONNECTED, &[entry], 1).unwrap(), address);
        }
    }

    #[test]
    fn what_no_proxy_would_write_counts_as_who_is_connected() {
        for forwarded in [
            &[][..],
            &[""],
            &["unknown"],
            &["192.0.2.1, "],
            &["192.0.2.1,_hidden"],
            &["192.0.2.1:port"],
            &["[192.0.2"],
        ] {
            let address = found(CONNECTED, forwarded, 1);
            assert_eq!(address.unwrap(), "10.0.0.1", "{forwarded:?}");
        }
        let too_few = found(CONNECTED, &["192.0.2.1"], 2);
        assert_eq!(too_few.unwrap(), "10.0.0.1");
    }

    #[test]
    fn the_number_of_proxies_is_small_and_whole() {
        assert_eq!(
            (proxies("0"), proxies(" 2 "), proxies("16")),
            (Some(0), Some(2), Some(16))
        );
        for wrong in ["", "-1", "17", "one", "1.5"] {
            assert_eq!(proxies(wrong), None, "{wrong}");
        }
    }
}

//! Addresses: of the shop, of other origins, of servers.

use http::Uri;

/// Hosts of this machine, which a secret may go to in the clear.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// An absolute `http` or `https` URL without fragment and without a user.
pub(crate) fn is_url(text: &str) -> bool {
    parts(text).is_some_and(|(scheme, _)| is_web(scheme))
}

/// A URL that paths can be put behind.
pub(crate) fn is_base_url(text: &str) -> bool {
    is_url(text) && !text.contains('?')
}

/// `scheme://host` or `scheme://host:port`, as a browser writes it: in lower case, without anything behind.
pub(crate) fn is_origin(text: &str) -> bool {
    let is_bare = parts(text).is_some_and(|(_, path)| path.is_empty());
    is_bare && !text.contains(['?', '*']) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `redis://` or `rediss://`, with a user, a port and a database or without.
pub(crate) fn is_redis_url(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("redis://")
        .or_else(|| text.strip_prefix("rediss://"))
    else {
        return false;
    };
    // The last `@` ends the user, whose password may hold any other character.
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    is_url(&format!("http://{server}"))
}

/// Whether it is the address of a database of a PostgreSQL server (its documentation, section 34.1.1), in either form. What exactly is
/// in it, whoever connects finds out.
pub(crate) fn is_postgres_url(text: &str) -> bool {
    let of_url = ["postgres://", "postgresql://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty())
    });
    let mut pairs = text.split_whitespace();
    of_url
        || pairs.any(|pair| {
            pair.strip_prefix("host=")
                .is_some_and(|host| !host.is_empty())
        })
}

/// Whether it names one server and its port, and nothing else.
pub(crate) fn is_postgres_host(text: &str) -> bool {
    let server = text.strip_prefix("postgres://");
    let parts = server.and_then(|server| server.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(['@', '/', '*', ',', ' '])
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// Where a secret may be sent: encrypted to anywhere, in the clear to this machine.
pub(crate) fn is_safe_api(text: &str) -> bool {
    let base = text.trim_end_matches('/');
    let is_bare = parts(base).is_some_and(|(_, path)| path.is_empty());
    let is_local = |rest: &str| {
        LOOPBACK.iter().any(|host| {
            rest.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    };
    let is_safe =
        base.starts_with("https://") || base.strip_prefix("http://").is_some_and(is_local);
    is_bare && is_safe
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// Scheme and path of an absolute URL with a host, a port that is one if there is any, and neither user nor fragment.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let has_port = authority.as_str().len() > authority.host().len();
    let is_whole = !authority.host().is_empty()
        && !text.contains(['#', '@'])
        && (!has_port || authority.port_u16().is_some());
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    is_whole.then(|| (scheme, rest.get(end..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shops_address_is_a_web_address_that_paths_fit_behind() {
        for text in [
            "http://127.0.0.1:3000",
            "https://shop.example",
            "https://shop.example/",
            "https://shop.example/tea/house",
            "http://[::1]:3000",
        ] {
            assert!(is_base_url(text), "{text}");
        }
        for text in [
            "",
            "shop.example",
            "ftp://x",
            "http://",
            "http:///path",
            "http://:80",
            "http://shop.example:port",
            "http://shop.example:99999",
            "https://shop.example?x=1",
            "https://shop.example/#top",
            "https://user@shop.example",
            "https://shop example",
            "javascript:alert(1)",
            "//shop.example",
            "/api",
        ] {
            assert!(!is_base_url(text), "{text}");
        }
    }

    #[test]
    fn a_page_may_have_a_query() {
        assert!(is_url("https://shop.test/?page=thanks"));
        assert!(!is_url("mailto:a@shop.test"));
    }

    #[test]
    fn an_origin_has_nothing_behind_its_host() {
        for text in [
            "https://a.example",
            "http://localhost:5173",
            "capacitor://localhost",
        ] {
            assert!(is_origin(text), "{text}");
        }
        for text in [
            "https://a.example/",
            "https://A.example",
            "https://a.example?x",
            "a.example",
            "null",
            "https://u@a.example",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn a_redis_server_may_ask_for_a_password() {
        for text in [
            "redis://127.0.0.1:6379",
            "redis://redis",
            "rediss://user:p@ss/w#rd@redis.example:6380/2",
            "redis://:secret@[::1]:6379",
        ] {
            assert!(is_redis_url(text), "{text}");
        }
        for text in [
            "",
            "redis://",
            "127.0.0.1:6379",
            "http://redis",
            "redis://h:port",
        ] {
            assert!(!is_redis_url(text), "{text}");
        }
    }

    #[test]
    fn a_key_never_goes_over_a_network_in_the_clear() {
        for text in [
            "https://api.stripe.com",
            "https://api.stripe.com/",
            "http://127.0.0.1:12111",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(is_safe_api(text), "{text}");
        }
        for text in [
            "",
            "http://api.stripe.com",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "https://api.stripe.com/v1",
            "api.stripe.com",
            "ftp://127.0.0.1",
        ] {
            assert!(!is_safe_api(text), "{text}");
        }
    }
}

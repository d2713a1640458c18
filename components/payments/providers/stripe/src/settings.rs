//! Configuration from Spin variables.

use mercato_contracts::variables::variables;
use mercato_platform::log;
use mercato_settings::return_page;

use crate::client::Access;
use crate::transformers::CheckoutSettings;

/// Hosts to which a key may go in the clear: this machine, where stand-ins for Stripe run.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The variables granted to this component, read once per instance.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where Stripe is.
    pub access: Access,
    /// How sessions are opened.
    pub checkout: CheckoutSettings,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Says which one is wrong; the log says so too.
    pub async fn read() -> Result<Self, String> {
        Self::try_read().await.inspect_err(|cause| {
            log::error("configuration", &[("cause", cause)]);
        })
    }

    async fn try_read() -> Result<Self, String> {
        let secret_key = get("stripe_secret_key").await?;
        let api_base = get("stripe_api_base").await?;
        let return_url = get("checkout_return_url").await?;
        let public_url = get("public_url").await?;
        let reservation_ttl = get("reservation_ttl").await?;
        Ok(Self {
            access: Access {
                api_base: check_api_base(&api_base)?,
                secret_key: check_secret_key(&secret_key)?,
            },
            checkout: CheckoutSettings {
                return_url: return_page(&return_url, &public_url),
                reservation_seconds: reservation_ttl.trim().parse().map_err(|_| {
                    "the variable reservation_ttl must be a number of seconds".to_owned()
                })?,
            },
        })
    }
}

async fn get(name: &'static str) -> Result<String, String> {
    variables::get(name.to_owned()).await.map_err(|error| {
        let cause = match error {
            variables::Error::InvalidName(cause)
            | variables::Error::Undefined(cause)
            | variables::Error::Provider(cause)
            | variables::Error::Other(cause) => cause,
        };
        format!("the variable {name} cannot be read ({cause}); grant it in spin.stripe.toml")
    })
}

fn check_secret_key(key: &str) -> Result<String, String> {
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the variable stripe_secret_key must be a secret key of Stripe".to_owned());
    }
    Ok(key.to_owned())
}

fn check_api_base(base: &str) -> Result<String, String> {
    let base = base.trim().trim_end_matches('/');
    let is_safe = match base.split_once("://") {
        Some(("https", host)) => !host.is_empty() && !host.contains('/'),
        Some(("http", host)) => LOOPBACK.iter().any(|loopback| {
            host.strip_prefix(loopback)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                && !host.contains(['/', '@'])
        }),
        _ => false,
    };
    if is_safe {
        Ok(base.to_owned())
    } else {
        Err(
            "the variable stripe_api_base must be https://HOST, or http:// on this machine"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_sent_in_the_clear_over_a_network() {
        for (base, clean) in [
            ("https://api.stripe.com", "https://api.stripe.com"),
            (" https://api.stripe.com/ ", "https://api.stripe.com"),
            ("http://127.0.0.1:12111", "http://127.0.0.1:12111"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(check_api_base(base).as_deref(), Ok(clean));
        }
        for base in [
            "",
            "api.stripe.com",
            "https://",
            "https://api.stripe.com/v1",
            "http://api.stripe.com",
            "http://localhost.evil.test",
            "http://127.0.0.1:80@evil.test",
            "ftp://localhost",
        ] {
            assert!(
                check_api_base(base)
                    .unwrap_err()
                    .contains("stripe_api_base"),
                "{base}"
            );
        }
    }

    #[test]
    fn without_a_key_nothing_is_asked() {
        assert_eq!(check_secret_key(" sk_test_1\n").as_deref(), Ok("sk_test_1"));
        for key in ["", "  ", "sk test", "sk_\n1"] {
            assert!(
                check_secret_key(key)
                    .unwrap_err()
                    .contains("stripe_secret_key"),
                "{key:?}"
            );
        }
    }
}

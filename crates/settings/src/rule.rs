//! What a variable may hold.

use std::ops::RangeInclusive;

use mercato_money::Currency;

use crate::address;

/// Longest piece of a value that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// What a variable may hold. Blanks at the ends of a value do not count.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Anything: somebody else checks it.
    Any,
    /// A secret of a least length.
    Secret {
        /// Least length.
        min_bytes: usize,
        /// Whether there may be none.
        may_be_empty: bool,
    },
    /// A whole number within a range.
    Whole(RangeInclusive<u64>),
    /// Empty, or a whole number within a range.
    OptionalWhole(RangeInclusive<u64>),
    /// 0, or a whole number within a range.
    WholeOrZero(RangeInclusive<u64>),
    /// `true` or `false`.
    Flag,
    /// A currency that people pay in.
    Currency,
    /// An absolute `http` or `https` URL without query and fragment, which paths are put behind.
    BaseUrl,
    /// Empty, or an absolute `http` or `https` URL without fragment.
    OptionalUrl,
    /// A name in one line, of so many characters at most.
    Name(usize),
    /// Empty, `*`, or origins separated by commas.
    Origins,
    /// The address of a Redis server.
    RedisUrl,
    /// The address of a database of a PostgreSQL server, with its role.
    PostgresUrl,
    /// A PostgreSQL server that components may reach.
    PostgresHost,
    /// Empty, or a certificate as PEM (RFC 7468).
    Certificate,
    /// A secret key of Stripe.
    StripeKey,
    /// Where Stripe's API is: encrypted, or on this machine.
    StripeApi,
}

/// Origins that may be allowed at every port: whoever has a port of this machine is on it already.
const LOCAL_HOSTS: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];

/// How a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A secret has so many bytes, and needs more.
    Short { bytes: usize, min_bytes: usize },
    /// What it should be set to.
    Form(String),
}

impl Broken {
    /// The rest of a sentence that begins with the variable's name. `value` may be shown.
    pub(crate) fn sentence(&self, value: Option<&str>) -> String {
        let expected = match self {
            Self::Short { min_bytes, .. } => {
                format!("a random text of at least {min_bytes} bytes")
            }
            Self::Form(expected) => expected.clone(),
        };
        let found = match (self, value) {
            (Self::Short { bytes: 0, .. }, _) => "is empty".to_owned(),
            (Self::Short { bytes: 1, .. }, _) => "has 1 byte".to_owned(),
            (Self::Short { bytes, .. }, _) => format!("has {bytes} bytes"),
            (Self::Form(_), Some(value)) if value.trim().is_empty() => "is empty".to_owned(),
            (Self::Form(_), Some(value)) => format!("is {}", shown(value)),
            (Self::Form(_), None) => "is of another form".to_owned(),
        };
        format!("{found}: set it to {expected}")
    }
}

/// A value in quotes, cut and with its control characters escaped.
fn shown(value: &str) -> String {
    let value = value.trim();
    let cut: String = value.chars().take(MAX_SHOWN_CHARS).collect();
    if cut.len() == value.len() {
        format!("{cut:?}")
    } else {
        format!("{:?}", cut + "…")
    }
}

impl Rule {
    /// A secret that must be there.
    pub(crate) const fn secret(min_bytes: usize) -> Self {
        Self::Secret {
            min_bytes,
            may_be_empty: false,
        }
    }

    /// A secret that need not be there.
    pub(crate) const fn optional_secret(min_bytes: usize) -> Self {
        Self::Secret {
            min_bytes,
            may_be_empty: true,
        }
    }

    pub(crate) fn check(&self, value: &str) -> Result<(), Broken> {
        let text = value.trim();
        let (holds, expected) = match self {
            Self::Any => return Ok(()),
            Self::Secret {
                min_bytes,
                may_be_empty,
            } => return check_secret(text, *min_bytes, *may_be_empty),
            Self::Whole(range) => (
                text.parse().is_ok_and(|number| range.contains(&number)),
                format!("a whole number from {} to {}", range.start(), range.end()),
            ),
            Self::OptionalWhole(range) => (
                text.is_empty() || text.parse().is_ok_and(|number| range.contains(&number)),
                format!("a whole number from {} to {}", range.start(), range.end()),
            ),
            Self::WholeOrZero(range) => (
                text.parse()
                    .is_ok_and(|number| number == 0 || range.contains(&number)),
                format!(
                    "0 or a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
            ),
            Self::Flag => (
                text.parse::<bool>().is_ok(),
                "true or false".to_owned(),
            ),
            Self::Currency => (
                text.parse::<Currency>()
                    .is_ok_and(|currency| currency.is_in_use()),
                "the code of a currency that people pay in, as in USD (ISO 4217)".to_owned(),
            ),
            Self::BaseUrl => (
                address::is_base_url(text),
                "the address at which customers reach the shop, as in https://shop.example"
                    .to_owned(),
            ),
            Self::OptionalUrl => (
                text.is_empty() || address::is_url(text),
                "the address of a page, as in https://shop.example/thanks, or to nothing"
                    .to_owned(),
            ),
            Self::Name(max_chars) => (
                !text.is_empty()
                    && text.chars().count() <= *max_chars
                    && !text.chars().any(char::is_control),
                format!("the name of the shop, 1 to {max_chars} characters in one line"),
            ),
            Self::Origins => (
                text.split(',').map(str::trim).all(|entry| {
                    let is_local = || {
                        let host = entry.strip_suffix(":*");
                        host.is_some_and(|host| LOCAL_HOSTS.contains(&host))
                    };
                    entry.is_empty() || entry == "*" || address::is_origin(entry) || is_local()
                }),
                "origins separated by commas, as in https://shop.example, without a path, or http://localhost:* for every port; or to *"
                    .to_owned(),
            ),
            Self::RedisUrl => (
                address::is_redis_url(text),
                "the address of a Redis server, as in redis://127.0.0.1:6379".to_owned(),
            ),
            Self::PostgresUrl => (
                address::is_postgres_url(text),
                "the address of a database, as in postgres://role:password@127.0.0.1:5432/name"
                    .to_owned(),
            ),
            Self::PostgresHost => (
                address::is_postgres_host(text),
                "a PostgreSQL server, as in postgres://127.0.0.1:5432".to_owned(),
            ),
            Self::Certificate => (
                text.is_empty() || text.starts_with("-----BEGIN CERTIFICATE-----"),
                "a certificate as PEM, which begins with -----BEGIN CERTIFICATE-----; or to nothing"
                    .to_owned(),
            ),
            Self::StripeKey => (
                ["sk_", "rk_"].iter().any(|prefix| {
                    text.strip_prefix(prefix)
                        .is_some_and(|rest| !rest.is_empty())
                }) && text.bytes().all(|byte| byte.is_ascii_graphic()),
                "a secret or restricted key of Stripe: it begins with sk_ or rk_".to_owned(),
            ),
            Self::StripeApi => (
                address::is_safe_api(text),
                "https://HOST, or to http:// on this machine".to_owned(),
            ),
        };
        if holds {
            Ok(())
        } else {
            Err(Broken::Form(expected))
        }
    }
}

fn check_secret(text: &str, min_bytes: usize, may_be_empty: bool) -> Result<(), Broken> {
    let bytes = text.len();
    if bytes >= min_bytes || (may_be_empty && bytes == 0) {
        Ok(())
    } else {
        Err(Broken::Short { bytes, min_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &Rule, value: &str) -> bool {
        rule.check(value).is_ok()
    }

    #[test]
    fn numbers_are_whole_and_within_their_range() {
        let rule = Rule::Whole(1..=86_400);
        for value in ["1", "86400", " 900\n"] {
            assert!(holds(&rule, value), "{value}");
        }
        for value in [
            "",
            "0",
            "86401",
            "-1",
            "1.5",
            "15m",
            "1e3",
            "99999999999999999999",
        ] {
            assert!(!holds(&rule, value), "{value}");
        }
    }

    #[test]
    fn a_limit_that_is_not_set_is_the_default() {
        assert!(holds(&Rule::Flag, " true ") && holds(&Rule::Flag, "false"));
        for wrong in ["", "True", "yes", "1"] {
            assert!(!holds(&Rule::Flag, wrong), "{wrong}");
        }
        let rule = Rule::OptionalWhole(0..=9);
        for (value, fits) in [
            ("", true),
            ("0", true),
            ("9", true),
            ("10", false),
            ("x", false),
        ] {
            assert_eq!(holds(&rule, value), fits, "{value}");
        }
    }

    #[test]
    fn zero_may_stand_beside_a_range() {
        let rule = Rule::WholeOrZero(5..=9);
        for (value, fits) in [
            ("0", true),
            ("5", true),
            ("1", false),
            ("10", false),
            ("", false),
        ] {
            assert_eq!(holds(&rule, value), fits, "{value}");
        }
    }

    #[test]
    fn a_currency_is_one_that_people_pay_in() {
        for value in ["USD", "EUR", "JPY", "KWD", "XAF"] {
            assert!(holds(&Rule::Currency, value), "{value}");
        }
        for value in ["", "usd", "US", "USDT", "XTS", "XAU", "ABC", "$"] {
            assert!(!holds(&Rule::Currency, value), "{value}");
        }
    }

    #[test]
    fn a_name_is_one_line_and_not_long() {
        let rule = Rule::Name(7);
        for value in ["M", "Mercato", " Caffè & ", "<b>"] {
            assert!(holds(&rule, value), "{value}");
        }
        for value in ["", " ", "Mercato2", "a\nb", "a\u{7f}b"] {
            assert!(!holds(&rule, value), "{value:?}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for value in [
            "",
            "*",
            "https://shop.example",
            "https://a.example, http://localhost:5173,",
            "http://localhost:*, http://127.0.0.1:*, http://[::1]:*",
        ] {
            assert!(holds(&Rule::Origins, value), "{value}");
        }
        for value in [
            "null",
            "shop.example",
            "https://shop.example/",
            "https://Shop.example",
            "https://a.example;https://b.example",
            "https://*.example",
            "https://shop.example:*",
            "http://localhost:*/",
        ] {
            assert!(!holds(&Rule::Origins, value), "{value}");
        }
    }

    #[test]
    fn databases_have_addresses_of_two_forms() {
        for value in [
            "postgres://mercato_auth:secret@db:5432/mercato_auth?sslmode=disable",
            "postgresql://a@b/c",
            "host=one,two port=5432 user=a password=b target_session_attrs=read-write",
        ] {
            assert!(holds(&Rule::PostgresUrl, value), "{value}");
        }
        for value in ["", "db:5432", "mysql://a@b/c", "postgres://", "user=a"] {
            assert!(!holds(&Rule::PostgresUrl, value), "{value}");
        }
        for (value, fits) in [
            ("postgres://127.0.0.1:5432", true),
            ("postgres://db.example:5432", true),
            ("postgres://db.example", false),
            ("postgres://a:b@db.example:5432", false),
            ("postgres://*:5432", false),
            ("https://db.example:5432", false),
            ("", false),
        ] {
            assert_eq!(holds(&Rule::PostgresHost, value), fits, "{value}");
        }
        for (value, fits) in [
            ("", true),
            ("-----BEGIN CERTIFICATE-----\nA", true),
            ("A", false),
        ] {
            assert_eq!(holds(&Rule::Certificate, value), fits, "{value}");
        }
    }

    #[test]
    fn a_key_of_stripe_is_known_by_its_beginning() {
        for value in ["sk_test_1", "rk_live_1", " sk_live_1\n"] {
            assert!(holds(&Rule::StripeKey, value), "{value}");
        }
        for value in ["", "sk_", "pk_live_1", "sk_test_ 1", "whsec_1"] {
            assert!(!holds(&Rule::StripeKey, value), "{value}");
        }
    }

    #[test]
    fn a_long_value_is_shown_in_part() {
        let broken = Rule::Currency.check("x").unwrap_err();
        let line = broken.sentence(Some(&"é\n".repeat(500)));
        assert!(line.starts_with("is \"é\\né\\n"), "{line}");
        assert!(line.chars().count() < 250, "{line}");
    }
}

//! What each variable of the application may hold: one table, for the check at the start and for the components that
//! read them.
//!
//! A component is granted some of the variables. [`check`] tells everything that is wrong with those at once, and never
//! shows a secret.

mod address;
mod checkout_return;
mod origins;
mod rule;

use std::fmt;
use std::ops::RangeInclusive;

pub use checkout_return::{CheckoutReturn, return_page, return_url};
pub use origins::{allowed_origins, leave_to_read};
pub use rule::Rule;

/// Least length of the secret that signs access tokens: a key must not be shorter than its hash (RFC 7518 section 3.2).
pub const JWT_SECRET_MIN_BYTES: usize = 32;

/// Least length of a secret that others choose or that only opens the metrics.
pub const SECRET_MIN_BYTES: usize = 16;

/// Currencies whose smallest unit at Stripe is not the one of ISO 4217 (<https://docs.stripe.com/currencies>): it writes a
/// króna and a shilling with two decimals that they do not have, and an ariary without those that it has. Reading one for
/// the other would be wrong by a factor of 100.
pub const OTHER_UNIT_AT_STRIPE: [&str; 3] = ["ISK", "MGA", "UGX"];

/// Life of an access token, in seconds: nothing ends one before its time.
pub const ACCESS_TOKEN_TTL_SECONDS: RangeInclusive<u64> = 1..=86_400;

/// Life of a refresh token that is not used, in seconds.
pub const REFRESH_TOKEN_TTL_SECONDS: RangeInclusive<u64> = 1..=365 * 86_400;

/// Cost of a password's hash. Each step doubles its time; at 16 a login takes about six seconds.
pub const BCRYPT_COST: RangeInclusive<u64> = 4..=16;

/// How long stock is held for an order that is not paid, in seconds.
pub const RESERVATION_TTL_SECONDS: RangeInclusive<u64> = 1..=30 * 86_400;

/// Proxies in front of the shop.
pub const TRUSTED_PROXIES: RangeInclusive<u64> = 0..=16;

/// A limit of how much one client or all may do: 0 is none.
pub const LIMIT: RangeInclusive<u64> = 0..=1_000_000_000;

/// How long orders that were cancelled unpaid are kept, in seconds: no shorter than the keys that their answers are
/// repeated under. 0 keeps them for ever.
pub const UNPAID_ORDER_RETENTION_SECONDS: RangeInclusive<u64> = 86_400..=3_650 * 86_400;

/// How long caches may keep what the catalogue shows to everyone, in seconds: a price and a stock are that old then. 0 is not
/// at all.
pub const CATALOGUE_MAX_AGE_SECONDS: RangeInclusive<u64> = 0..=3_600;

/// Longest name of a shop, in characters: it stands in the header and the title of a page.
pub const SHOP_NAME_MAX_CHARS: usize = 60;

/// One variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// As in `spin.toml`.
    pub name: &'static str,
    /// What it may hold.
    pub rule: Rule,
    /// Whether its value must never be shown.
    pub is_secret: bool,
}

const fn plain(name: &'static str, rule: Rule) -> Variable {
    Variable {
        name,
        rule,
        is_secret: false,
    }
}

const fn secret(name: &'static str, rule: Rule) -> Variable {
    Variable {
        name,
        rule,
        is_secret: true,
    }
}

/// All variables of the application.
pub const VARIABLES: &[Variable] = &[
    secret("jwt_secret", Rule::secret(JWT_SECRET_MIN_BYTES)),
    secret(
        "jwt_previous_secret",
        Rule::optional_secret(JWT_SECRET_MIN_BYTES),
    ),
    plain("access_token_ttl", Rule::Whole(ACCESS_TOKEN_TTL_SECONDS)),
    plain("refresh_token_ttl", Rule::Whole(REFRESH_TOKEN_TTL_SECONDS)),
    plain("bcrypt_cost", Rule::Whole(BCRYPT_COST)),
    plain("hashing_slots", Rule::OptionalWhole(LIMIT)),
    plain("registrations_per_client", Rule::OptionalWhole(LIMIT)),
    plain("registrations_per_minute", Rule::OptionalWhole(LIMIT)),
    // Their rules are those of accounts.
    plain("admin_email", Rule::Any),
    secret("admin_password", Rule::Any),
    // May hold a password.
    secret("redis_url", Rule::RedisUrl),
    secret(
        "payment_webhook_secret",
        Rule::optional_secret(SECRET_MIN_BYTES),
    ),
    secret("auth_database_url", Rule::PostgresUrl),
    secret("checkout_database_url", Rule::PostgresUrl),
    secret("orders_database_url", Rule::PostgresUrl),
    secret("payments_database_url", Rule::PostgresUrl),
    secret("products_database_url", Rule::PostgresUrl),
    plain("database_host", Rule::PostgresHost),
    plain("database_standby_host", Rule::PostgresHost),
    plain("database_ca_root", Rule::Certificate),
    secret("stripe_secret_key", Rule::StripeKey),
    plain("stripe_api_base", Rule::StripeApi),
    plain("checkout_return_url", Rule::OptionalUrl),
    plain("shop_name", Rule::Name(SHOP_NAME_MAX_CHARS)),
    plain("public_url", Rule::BaseUrl),
    plain("currency", Rule::Currency),
    plain(
        "catalogue_max_age_seconds",
        Rule::Whole(CATALOGUE_MAX_AGE_SECONDS),
    ),
    plain("reservation_ttl", Rule::Whole(RESERVATION_TTL_SECONDS)),
    plain(
        "unpaid_order_retention",
        Rule::WholeOrZero(UNPAID_ORDER_RETENTION_SECONDS),
    ),
    plain("require_checkout", Rule::Flag),
    plain("open_orders_max", Rule::Whole(LIMIT)),
    plain("held_units_max", Rule::Whole(LIMIT)),
    plain("orders_per_minute", Rule::Whole(LIMIT)),
    plain("orders_per_day", Rule::Whole(LIMIT)),
    plain("open_orders_per_client_max", Rule::Whole(LIMIT)),
    plain("held_units_per_client_max", Rule::Whole(LIMIT)),
    plain("orders_per_minute_per_client", Rule::Whole(LIMIT)),
    plain("orders_per_day_per_client", Rule::Whole(LIMIT)),
    plain("cors_allowed_origins", Rule::Origins),
    plain("trusted_proxies", Rule::Whole(TRUSTED_PROXIES)),
    secret("metrics_token", Rule::optional_secret(SECRET_MIN_BYTES)),
];

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong and what to set: the rest of a sentence that begins with the name. Shows no secret.
    pub message: String,
}

impl Invalid {
    /// A variable that cannot be used; `message` continues a sentence that begins with its name.
    #[must_use]
    pub fn new(variable: &'static str, message: impl Into<String>) -> Self {
        Self {
            variable,
            message: message.into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.variable, self.message)
    }
}

/// Everything that is wrong with the variables that a component is granted: `value` gives none of the others.
pub fn check(value: impl Fn(&str) -> Option<String>) -> Vec<Invalid> {
    let each = VARIABLES.iter().filter_map(|variable| {
        let value = value(variable.name)?;
        check_one(variable, &value).err()
    });
    each.chain(incomplete_admin(&value))
        .chain(unsigned_webhooks(&value))
        .chain(unpayable_currency(&value))
        .collect()
}

fn check_one(variable: &Variable, value: &str) -> Result<(), Invalid> {
    let shown = (!variable.is_secret).then_some(value);
    variable
        .rule
        .check(value)
        .map_err(|broken| Invalid::new(variable.name, broken.sentence(shown)))
}

/// One of the two alone makes no account.
fn incomplete_admin(value: impl Fn(&str) -> Option<String>) -> Option<Invalid> {
    let is_set = |name| value(name).map(|value| !value.trim().is_empty());
    match (is_set("admin_email")?, is_set("admin_password")?) {
        (true, false) => Some(Invalid::new(
            "admin_password",
            "is not set, but admin_email is: set both or neither",
        )),
        (false, true) => Some(Invalid::new(
            "admin_email",
            "is not set, but admin_password is: set both or neither",
        )),
        _ => None,
    }
}

/// The stand-in signs its webhooks with a secret that it makes itself; Stripe tells one.
fn unsigned_webhooks(value: impl Fn(&str) -> Option<String>) -> Option<Invalid> {
    value("stripe_secret_key")?;
    let secret = value("payment_webhook_secret")?;
    secret.trim().is_empty().then(|| {
        Invalid::new(
            "payment_webhook_secret",
            "is empty: set it to the signing secret of the webhook endpoint at Stripe",
        )
    })
}

/// A shop that Stripe takes the money for has a currency that Stripe can take.
fn unpayable_currency(value: impl Fn(&str) -> Option<String>) -> Option<Invalid> {
    value("stripe_secret_key")?;
    let currency = value("currency")?;
    OTHER_UNIT_AT_STRIPE.contains(&currency.trim()).then(|| {
        let message = format!(
            "is {currency:?}, which Stripe counts in another unit than ISO 4217: take payments in another currency"
        );
        Invalid::new("currency", message)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("jwt_secret", "a secret of forty bytes, for tests only."),
        ("jwt_previous_secret", ""),
        ("access_token_ttl", "900"),
        ("refresh_token_ttl", "2592000"),
        ("bcrypt_cost", "12"),
        ("admin_email", ""),
        ("admin_password", ""),
        ("redis_url", "redis://127.0.0.1:6379"),
        ("payment_webhook_secret", ""),
        ("public_url", "http://127.0.0.1:3000"),
        ("checkout_return_url", ""),
        ("shop_name", "Mercato"),
        ("currency", "USD"),
        ("reservation_ttl", "900"),
        ("cors_allowed_origins", ""),
        ("trusted_proxies", "0"),
        ("metrics_token", ""),
    ];

    fn checked(changes: &[(&str, &str)]) -> Vec<String> {
        let values: BTreeMap<&str, &str> = GOOD.iter().chain(changes).copied().collect();
        let invalid = check(|name| values.get(name).map(|value| (*value).to_owned()));
        invalid.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_of_the_manifest_can_be_used() {
        assert_eq!(checked(&[]), [] as [&str; 0]);
    }

    #[test]
    fn each_variable_that_cannot_be_used_is_told_with_what_to_set() {
        for (name, value, line) in [
            (
                "jwt_secret",
                "a",
                "jwt_secret has 1 byte: set it to a random text of at least 32 bytes",
            ),
            (
                "jwt_secret",
                "",
                "jwt_secret is empty: set it to a random text of at least 32 bytes",
            ),
            (
                "jwt_previous_secret",
                "short",
                "jwt_previous_secret has 5 bytes: set it to a random text of at least 32 bytes",
            ),
            (
                "payment_webhook_secret",
                "whsec_1",
                "payment_webhook_secret has 7 bytes: set it to a random text of at least 16 bytes",
            ),
            (
                "metrics_token",
                "m",
                "metrics_token has 1 byte: set it to a random text of at least 16 bytes",
            ),
            (
                "access_token_ttl",
                "15m",
                "access_token_ttl is \"15m\": set it to a whole number from 1 to 86400",
            ),
            (
                "bcrypt_cost",
                "31",
                "bcrypt_cost is \"31\": set it to a whole number from 4 to 16",
            ),
            (
                "trusted_proxies",
                "-1",
                "trusted_proxies is \"-1\": set it to a whole number from 0 to 16",
            ),
            (
                "currency",
                "XTS",
                "currency is \"XTS\": set it to the code of a currency that people pay in, as in USD (ISO 4217)",
            ),
            (
                "public_url",
                "ftp://x",
                "public_url is \"ftp://x\": set it to the address at which customers reach the shop, as in https://shop.example",
            ),
            (
                "shop_name",
                " ",
                "shop_name is empty: set it to the name of the shop, 1 to 60 characters in one line",
            ),
            (
                "checkout_return_url",
                "/thanks",
                "checkout_return_url is \"/thanks\": set it to the address of a page, as in https://shop.example/thanks, or to nothing",
            ),
            (
                "cors_allowed_origins",
                "https://a.example/",
                "cors_allowed_origins is \"https://a.example/\": set it to origins separated by commas, as in https://shop.example, without a path, or http://localhost:* for every port; or to *",
            ),
            (
                "redis_url",
                "http://u:secret@h",
                "redis_url is of another form: set it to the address of a Redis server, as in redis://127.0.0.1:6379",
            ),
            (
                "admin_email",
                "root@shop.example",
                "admin_password is not set, but admin_email is: set both or neither",
            ),
            (
                "admin_password",
                "Correct-Horse-7",
                "admin_email is not set, but admin_password is: set both or neither",
            ),
        ] {
            assert_eq!(checked(&[(name, value)]), [line]);
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = [("currency", "usd"), ("public_url", ""), ("jwt_secret", "x")];
        let lines = checked(&wrong);
        assert_eq!(lines.len(), 3, "{lines:?}");
    }

    #[test]
    fn with_stripe_its_webhooks_are_signed() {
        let stripe = [
            ("stripe_secret_key", "sk_test_51Mercato"),
            ("stripe_api_base", "https://api.stripe.com"),
            ("checkout_return_url", ""),
        ];
        let lines = checked(&stripe);
        assert_eq!(
            lines,
            [
                "payment_webhook_secret is empty: set it to the signing secret of the webhook endpoint at Stripe"
            ]
        );
        let secret = ("payment_webhook_secret", "whsec_0f1e2d3c4b5a6978");
        assert_eq!(checked(&[&stripe[..], &[secret]].concat()), [] as [&str; 0]);
        for (currency, fits) in [("KWD", true), ("JPY", true), ("ISK", false), ("UGX", false)] {
            let lines = checked(&[&stripe[..], &[secret, ("currency", currency)]].concat());
            assert_eq!(lines.is_empty(), fits, "{lines:?}");
        }
        assert_eq!(checked(&[("currency", "ISK")]), [] as [&str; 0]);
    }

    #[test]
    fn variables_that_are_not_granted_are_nobodys_business() {
        assert_eq!(check(|_| None), []);
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_shown(value in "[!-~]{4,40}") {
            for variable in VARIABLES.iter().filter(|variable| variable.is_secret) {
                if let Err(invalid) = check_one(variable, &value) {
                    prop_assert!(!invalid.to_string().contains(&value), "{invalid}");
                }
            }
        }

        #[test]
        fn a_line_is_one_line_and_not_long(value in any::<String>(), count in 0..200_usize) {
            let value = value.repeat(count);
            for variable in VARIABLES {
                if let Err(invalid) = check_one(variable, &value) {
                    let line = invalid.to_string();
                    prop_assert!(line.chars().all(|c| !c.is_control()), "{line}");
                    prop_assert!(line.len() < 1_200, "{}", line.len());
                }
            }
        }
    }
}

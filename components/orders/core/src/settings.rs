//! What the shop's configuration says, read once per instance.

use std::ops::RangeInclusive;

use mercato_contracts::variables::variables;
use mercato_money::Currency;
use mercato_settings::{LIMIT, RESERVATION_TTL_SECONDS, UNPAID_ORDER_RETENTION_SECONDS};

use crate::domain::{Limits, Share};

/// How this shop is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The currency of new orders.
    pub currency: Currency,
    /// How long stock is held for an order that is not paid, in milliseconds.
    pub reservation_ttl_ms: u64,
    /// What accounts and clients may hold and do.
    pub limits: Limits,
    /// How long an order that was cancelled unpaid is kept, in milliseconds; none for ever.
    pub unpaid_retention_ms: Option<u64>,
    /// Whether orders are taken from checkouts alone.
    pub requires_checkout: bool,
}

const CURRENCY: &str = "currency";
const RESERVATION_TTL: &str = "reservation_ttl";

const UNPAID_RETENTION: &str = "unpaid_order_retention";

const REQUIRE_CHECKOUT: &str = "require_checkout";

/// Limits of an account and of a client: unpaid orders, units they hold, orders in a minute and on a day.
const LIMITS: [[&str; 4]; 2] = [
    [
        "open_orders_max",
        "held_units_max",
        "orders_per_minute",
        "orders_per_day",
    ],
    [
        "open_orders_per_client_max",
        "held_units_per_client_max",
        "orders_per_minute_per_client",
        "orders_per_day_per_client",
    ],
];

/// What is asked for.
const VARIABLES: [&str; 12] = {
    let [
        [open, units, minute, day],
        [open_client, units_client, minute_client, day_client],
    ] = LIMITS;
    [
        CURRENCY,
        RESERVATION_TTL,
        UNPAID_RETENTION,
        REQUIRE_CHECKOUT,
        open,
        units,
        minute,
        day,
        open_client,
        units_client,
        minute_client,
        day_client,
    ]
};

const MS_PER_SECOND: u64 = 1_000;

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The variable is not there, or not granted.
    #[error("the variable {0:?} cannot be read ({1}): grant it to this component in spin.toml")]
    Unreadable(&'static str, String),
    /// The variable does not hold what it must.
    #[error("the variable {name:?} is {value:?}, but must be {rule}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it must hold.
        rule: String,
    },
}

/// Asks the host.
pub async fn load() -> Result<Settings, SettingsError> {
    let mut values = Vec::with_capacity(VARIABLES.len());
    for name in VARIABLES {
        values.push((name, variable(name).await?));
    }
    parse(&values)
}

async fn variable(name: &'static str) -> Result<String, SettingsError> {
    let value = variables::get(name.to_owned()).await;
    value.map_err(|error| SettingsError::Unreadable(name, error.to_string()))
}

fn parse(values: &[(&'static str, String)]) -> Result<Settings, SettingsError> {
    let text = |name: &'static str| {
        let found = values.iter().find(|(known, _)| *known == name);
        let missing = || SettingsError::Unreadable(name, "it was not asked for".to_owned());
        found.map(|(_, value)| value.as_str()).ok_or_else(missing)
    };
    let limit = |name| parse_limit(name, text(name)?);
    let [account, client] = LIMITS.map(|[open_orders, held_units, per_minute, per_day]| {
        Ok(Share {
            open_orders: limit(open_orders)?,
            held_units: limit(held_units)?,
            orders_per_minute: limit(per_minute)?,
            orders_per_day: limit(per_day)?,
        })
    });
    Ok(Settings {
        currency: parse_currency(text(CURRENCY)?)?,
        reservation_ttl_ms: parse_ttl(text(RESERVATION_TTL)?)?,
        limits: Limits {
            account: account?,
            client: client?,
        },
        unpaid_retention_ms: parse_retention(text(UNPAID_RETENTION)?)?,
        requires_checkout: parse_flag(REQUIRE_CHECKOUT, text(REQUIRE_CHECKOUT)?)?,
    })
}

fn invalid(name: &'static str, value: &str, rule: impl Into<String>) -> SettingsError {
    SettingsError::Invalid {
        name,
        value: value.to_owned(),
        rule: rule.into(),
    }
}

fn parse_currency(text: &str) -> Result<Currency, SettingsError> {
    let rule = "the three capital letters of a currency, as in USD (ISO 4217)";
    text.parse().map_err(|_| invalid(CURRENCY, text, rule))
}

fn parse_ttl(text: &str) -> Result<u64, SettingsError> {
    let (shortest, longest) = RESERVATION_TTL_SECONDS.into_inner();
    let rule = || format!("a whole number of seconds from {shortest} to {longest}, as in 900");
    seconds(text, RESERVATION_TTL_SECONDS).ok_or_else(|| invalid(RESERVATION_TTL, text, rule()))
}

fn parse_limit(name: &'static str, text: &str) -> Result<u64, SettingsError> {
    let rule = || format!("a whole number from 0 (no limit) to {}", LIMIT.end());
    let number = text.trim().parse().ok();
    number
        .filter(|number| LIMIT.contains(number))
        .ok_or_else(|| invalid(name, text, rule()))
}

fn parse_retention(text: &str) -> Result<Option<u64>, SettingsError> {
    if text.trim().parse() == Ok(0_u64) {
        return Ok(None);
    }
    let (shortest, longest) = UNPAID_ORDER_RETENTION_SECONDS.into_inner();
    let rule = || {
        format!(
            "0 (for ever) or a whole number of seconds from {shortest} to {longest}, as in 604800"
        )
    };
    seconds(text, UNPAID_ORDER_RETENTION_SECONDS)
        .map(Some)
        .ok_or_else(|| invalid(UNPAID_RETENTION, text, rule()))
}

fn parse_flag(name: &'static str, text: &str) -> Result<bool, SettingsError> {
    let flag = text.trim().parse();
    flag.map_err(|_| invalid(name, text, "true or false"))
}

/// A number of seconds within that range, in milliseconds.
fn seconds(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let seconds: Option<u64> = text.trim().parse().ok();
    Some(seconds.filter(|seconds| range.contains(seconds))? * MS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All variables at their defaults, but for these.
    fn values(changed: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let value = |name: &'static str| {
            let changed = changed.iter().find(|(known, _)| *known == name);
            let default = match name {
                CURRENCY => "EUR",
                RESERVATION_TTL => "900",
                UNPAID_RETENTION => "604800",
                REQUIRE_CHECKOUT => "false",
                _ => "50",
            };
            (name, changed.map_or(default, |(_, value)| value).to_owned())
        };
        VARIABLES.map(value).into()
    }

    #[test]
    fn settings_are_read_from_text() {
        let changed = [
            ("held_units_max", " 10000 "),
            ("orders_per_day_per_client", "0"),
        ];
        let settings = parse(&values(&changed)).unwrap();
        assert_eq!(
            (settings.currency.code(), settings.reservation_ttl_ms),
            ("EUR", 900_000)
        );
        assert_eq!(settings.unpaid_retention_ms, Some(604_800_000));
        assert!(!settings.requires_checkout);
        let strict = parse(&values(&[(REQUIRE_CHECKOUT, "true")])).unwrap();
        assert!(strict.requires_checkout);
        let account = Share {
            open_orders: 50,
            held_units: 10_000,
            orders_per_minute: 50,
            orders_per_day: 50,
        };
        let client = Share {
            held_units: 50,
            orders_per_day: 0,
            ..account
        };
        assert_eq!(settings.limits, Limits { account, client });
        let kept = parse(&values(&[(UNPAID_RETENTION, "0")])).unwrap();
        assert_eq!(kept.unpaid_retention_ms, None);
    }

    #[test]
    fn an_error_names_the_variable_and_the_rule() {
        for (name, value, part) in [
            (
                CURRENCY,
                "eur",
                "\"currency\" is \"eur\", but must be the three capital letters",
            ),
            (
                RESERVATION_TTL,
                "0",
                "\"reservation_ttl\" is \"0\", but must be a whole number of seconds from 1 to 2592000",
            ),
            (RESERVATION_TTL, "15m", "\"15m\""),
            (RESERVATION_TTL, "99999999999999999999", "reservation_ttl"),
            (
                UNPAID_RETENTION,
                "86399",
                "must be 0 (for ever) or a whole number of seconds from 86400",
            ),
            (REQUIRE_CHECKOUT, "yes", "must be true or false"),
            ("open_orders_max", "-1", "from 0 (no limit) to"),
            ("orders_per_minute_per_client", "many", "\"many\""),
        ] {
            let message = parse(&values(&[(name, value)])).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}

//! How many unpaid orders and units an account or a client may hold, and how fast it may order (docs/decisions/0041).

use mercato_platform::client::Client;
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::CustomerId;

/// Orders of a minute are counted for so long from the first of them, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;

/// Orders of a day are counted for so long from the first of them, in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

const MS_PER_SECOND: u64 = 1_000;

/// Keeps these hashes apart from any other hash of the same address.
const CLIENT_HASH_DOMAIN: &[u8] = b"mercato order limits\0client\0";

/// What holds orders, as it is stored: an account's id, or the hash of a client's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder(String);

impl Holder {
    /// An account, or a guest's checkout.
    #[must_use]
    pub fn account(id: impl Into<CustomerId>) -> Self {
        Self(id.into().to_string())
    }

    /// Whoever orders from that network. Only its hash is kept: the database holds no list of addresses.
    #[must_use]
    pub fn client(client: &Client) -> Self {
        let mut hash = Sha256::new();
        hash.update(CLIENT_HASH_DOMAIN);
        hash.update(client.network());
        Self(to_hex(&hash.finalize()))
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The holder of that stored text.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }
}

/// What one holder may hold and do; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Unpaid orders at a time.
    pub open_orders: u64,
    /// Units of all its unpaid orders together.
    pub held_units: u64,
    /// Orders begun within [`MINUTE_MS`].
    pub orders_per_minute: u64,
    /// Orders begun within [`DAY_MS`].
    pub orders_per_day: u64,
}

impl Share {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// The limits of this shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of one account.
    pub account: Share,
    /// Of one client, which may be an office with many accounts.
    pub client: Share,
}

/// What a holder holds and has done of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Unpaid orders.
    pub open_orders: u64,
    /// Units of these orders.
    pub held_units: u64,
    /// When the counted minute began, in milliseconds since the Unix epoch.
    pub minute_began_at: u64,
    /// Orders begun in that minute.
    pub minute_orders: u64,
    /// When the counted day began, in milliseconds since the Unix epoch.
    pub day_began_at: u64,
    /// Orders begun on that day.
    pub day_orders: u64,
}

/// Who has reached a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// The account that orders.
    Account,
    /// The client that it orders from.
    Client,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Seconds, at least 1, until the next order is taken.
    OrdersPerMinute(u64),
    /// Seconds, at least 1, until the next order is taken.
    OrdersPerDay(u64),
    /// Orders have to be paid or cancelled first.
    OpenOrders,
    /// The order is too large, or orders have to be paid or cancelled first.
    HeldUnits,
}

/// Why an order was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReached {
    /// Whose limit it is.
    pub holder: HolderKind,
    /// Which.
    pub limit: Limit,
    /// What is allowed.
    pub max: u64,
}

impl Holding {
    /// The first limit that an order of so many units would break at `now`, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn limit_reached(&self, share: &Share, units: u64, now: u64) -> Option<(Limit, u64)> {
        let minute = left(self.minute_began_at, MINUTE_MS, now);
        let day = left(self.day_began_at, DAY_MS, now);
        let is_over = |max: u64, wanted: u64| max > 0 && wanted > max;
        if let Some(seconds) = minute
            && is_over(share.orders_per_minute, self.minute_orders + 1)
        {
            return Some((Limit::OrdersPerMinute(seconds), share.orders_per_minute));
        }
        if let Some(seconds) = day
            && is_over(share.orders_per_day, self.day_orders + 1)
        {
            return Some((Limit::OrdersPerDay(seconds), share.orders_per_day));
        }
        if is_over(share.open_orders, self.open_orders + 1) {
            return Some((Limit::OpenOrders, share.open_orders));
        }
        is_over(share.held_units, self.held_units.saturating_add(units))
            .then_some((Limit::HeldUnits, share.held_units))
    }
}

/// Seconds, rounded up, until a period that began then is over; none when it is, or when it lies in the future because
/// the clock was set back.
fn left(began_at: u64, period_ms: u64, now: u64) -> Option<u64> {
    let passed = now.checked_sub(began_at)?;
    let left_ms = period_ms.checked_sub(passed)?;
    (left_ms > 0).then(|| left_ms.div_ceil(MS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn busy() -> Holding {
        Holding {
            open_orders: 3,
            held_units: 30,
            minute_began_at: NOW - 20_500,
            minute_orders: 5,
            day_began_at: NOW - DAY_MS + 1,
            day_orders: 7,
        }
    }

    fn share(open_orders: u64, held_units: u64, per_minute: u64, per_day: u64) -> Share {
        Share {
            open_orders,
            held_units,
            orders_per_minute: per_minute,
            orders_per_day: per_day,
        }
    }

    #[test]
    fn every_limit_is_reached_at_its_number_and_not_before() {
        for (share, expected) in [
            (share(0, 0, 0, 0), None),
            (share(4, 40, 6, 8), None),
            (share(0, 0, 5, 0), Some((Limit::OrdersPerMinute(40), 5))),
            (share(0, 0, 0, 7), Some((Limit::OrdersPerDay(1), 7))),
            (share(3, 0, 0, 0), Some((Limit::OpenOrders, 3))),
            (share(0, 39, 0, 0), Some((Limit::HeldUnits, 39))),
        ] {
            assert_eq!(busy().limit_reached(&share, 10, NOW), expected, "{share:?}");
        }
    }

    #[test]
    fn a_period_that_is_over_counts_nothing() {
        let tight = share(0, 0, 5, 7);
        assert!(busy().limit_reached(&tight, 1, NOW + 39_499).is_some());
        let next_minute = busy().limit_reached(&share(0, 0, 5, 0), 1, NOW + 39_500);
        assert_eq!(next_minute, None);
        assert_eq!(busy().limit_reached(&tight, 1, NOW + DAY_MS), None);
        let set_back = busy().limit_reached(&tight, 1, NOW - 2 * DAY_MS);
        assert_eq!(set_back, None, "the clock was set back");
    }

    #[test]
    fn one_order_can_be_too_large_for_whoever_holds_nothing() {
        let holding = Holding::default();
        let share = share(50, 10_000, 120, 0);
        assert_eq!(holding.limit_reached(&share, 10_000, NOW), None);
        let refused = holding.limit_reached(&share, 10_001, NOW);
        assert_eq!(refused, Some((Limit::HeldUnits, 10_000)));
        assert!(holding.limit_reached(&share, u64::MAX, NOW).is_some());
    }

    #[test]
    fn a_client_is_stored_as_the_hash_of_its_network() {
        let of = |text: &str| Holder::client(&Client::parse(text).unwrap());
        let stored = of("192.0.2.7");
        assert_eq!(stored.as_str().len(), 64);
        assert!(!stored.as_str().contains("192"));
        assert_eq!(stored, of("::ffff:192.0.2.7"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:3::4"));
        assert_ne!(stored, of("192.0.2.8"));
    }
}

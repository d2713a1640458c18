//! Shops that are broken on purpose, to see that it is noticed.
//!
//! A proof that never fails proves nothing. Each of these takes away one thing that the design rests on, in the shop as
//! it is shipped: beside a certain statement, others happen.

use mercato::{CallKind, HostCall};

const REMOVE_PAID_ORDERS: &str = "
DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE status = 'PAID');
DELETE FROM order_status_history WHERE order_id IN (SELECT id FROM orders WHERE status = 'PAID');
DELETE FROM orders WHERE status = 'PAID'";

/// One thing that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// An event counts as applied before its order has changed: the mark in the inbox is committed alone.
    Inbox,
    /// A payment changes before its event is in the outbox: the two are not one transaction.
    Outbox,
    /// Stock is taken before it is written down for whom: the two are not one transaction.
    Reservation,
    /// A key is forgotten as soon as it is written down.
    IdempotencyKey,
    /// Nobody remembers that the stock of a cancelled order is to be given back.
    Release,
    /// Old orders that nobody paid are removed, and paid ones with them.
    Retention,
    /// Nobody remembers whose access tokens have ended.
    Revocation,
    /// Nobody remembers that a refund has failed.
    RefundFailure,
    /// Nobody remembers that the money of a payment is on its way.
    Processing,
    /// Nobody remembers that a customer has paid twice.
    DuplicateCharge,
    /// Nobody remembers that a payment is disputed.
    Dispute,
    /// The quote of an order is written down otherwise than the customer saw it: its shipping is dearer, and so is the total.
    Quote,
    /// Nobody counts how often a discount code is used.
    CodeLimit,
    /// The old addresses of an address book go before the new ones are there: the two are not one transaction.
    AddressBook,
    /// Nobody remembers how many units of a shared stock an order takes: one of each line, it is written down.
    StockItem,
    /// Nobody remembers that somebody may have opened the payment of an order that was given up.
    StrayPayment,
}

impl Sabotage {
    /// Those that crash points and short simulations notice.
    pub const COMMON: [Self; 15] = [
        Self::Inbox,
        Self::Outbox,
        Self::Reservation,
        Self::IdempotencyKey,
        Self::Release,
        Self::Retention,
        Self::Revocation,
        Self::RefundFailure,
        Self::Processing,
        Self::DuplicateCharge,
        Self::Dispute,
        Self::Quote,
        Self::CodeLimit,
        Self::AddressBook,
        Self::StockItem,
    ];

    /// Those that only long simulations notice: two requests and a crash must meet. Tests of the contexts try all ways in which
    /// they can.
    pub const RARE: [Self; 1] = [Self::StrayPayment];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::COMMON.into_iter().chain(Self::RARE)
    }

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Reservation => "reservation",
            Self::IdempotencyKey => "idempotency-key",
            Self::Release => "release",
            Self::Retention => "retention",
            Self::Revocation => "revocation",
            Self::RefundFailure => "refund-failure",
            Self::Processing => "processing",
            Self::DuplicateCharge => "duplicate-charge",
            Self::Dispute => "dispute",
            Self::Quote => "quote",
            Self::CodeLimit => "code-limit",
            Self::AddressBook => "address-book",
            Self::StockItem => "stock-item",
            Self::StrayPayment => "stray-payment",
        }
    }

    /// The one of that name; none for no name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn named(name: &str) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let found = Self::all().find(|sabotage| sabotage.name() == name);
        let names = Self::all().map(Self::name).collect::<Vec<_>>().join(", ");
        assert!(
            found.is_some(),
            "nothing is called {name}; there are {names}"
        );
        found
    }

    /// The first words of the statement that is broken.
    pub fn statement(self) -> &'static str {
        match self {
            Self::Inbox => "INSERT INTO inbox",
            Self::Outbox | Self::Processing => "UPDATE payments SET refunded_amount",
            Self::Reservation => "UPDATE products SET stock",
            Self::IdempotencyKey => "INSERT INTO idempotency_keys",
            Self::Release | Self::StrayPayment => "INSERT INTO follow_ups",
            Self::Retention => "DELETE FROM orders",
            Self::Revocation => "INSERT INTO revocations",
            Self::RefundFailure => "INSERT INTO provider_refunds",
            Self::DuplicateCharge => "INSERT INTO refunds",
            Self::Dispute => "INSERT INTO disputes",
            Self::Quote => "INSERT INTO order_quotes",
            Self::CodeLimit => "UPDATE discount_codes SET uses",
            Self::AddressBook => "DELETE FROM addresses",
            Self::StockItem => "INSERT INTO reservation_lines",
        }
    }

    /// Statements that happen after a call.
    pub fn breaks(self, call: &HostCall<'_>) -> Option<&'static str> {
        let statements = match self {
            Self::Inbox | Self::Outbox | Self::Reservation | Self::AddressBook => "COMMIT; BEGIN",
            Self::IdempotencyKey => "DELETE FROM idempotency_keys",
            Self::Release => "DELETE FROM follow_ups WHERE task = 'release-stock'",
            Self::StrayPayment => "DELETE FROM follow_ups WHERE task = 'cancel-payment'",
            Self::Retention => REMOVE_PAID_ORDERS,
            Self::Revocation => "DELETE FROM revocations",
            Self::Processing => "UPDATE payments SET is_processing = 0",
            Self::DuplicateCharge => "DELETE FROM refunds WHERE duplicate_charge IS NOT NULL",
            Self::Dispute => "DELETE FROM disputes",
            Self::Quote => {
                "UPDATE order_quotes
                SET document = json_set(document,
                  '$.quote.shipping.amount', json_extract(document, '$.quote.shipping.amount') + 100,
                  '$.quote.totals.total', json_extract(document, '$.quote.totals.total') + 100)"
            }
            Self::CodeLimit => "UPDATE discount_codes SET uses = 0",
            Self::StockItem => "UPDATE reservation_lines SET units = 1 WHERE item_id IS NOT NULL",
            Self::RefundFailure => "UPDATE provider_refunds SET failed_at = NULL, failure = NULL",
        };
        let is_it = call.kind == CallKind::Sqlite && begins_with(call.detail, self.statement());
        is_it.then_some(statements)
    }
}

/// Whether a statement begins with these words, however it is laid out.
fn begins_with(statement: &str, beginning: &str) -> bool {
    let mut words = statement.split_whitespace();
    beginning.split(' ').all(|word| words.next() == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sabotage_has_a_name_of_its_own() {
        for sabotage in Sabotage::all() {
            assert_eq!(Sabotage::named(sabotage.name()), Some(sabotage));
        }
        assert_eq!(Sabotage::named(""), None);
    }

    #[test]
    fn statements_are_known_by_their_first_words() {
        assert!(begins_with(
            "\n  INSERT INTO inbox (event_id)\nVALUES (?)",
            "INSERT INTO inbox"
        ));
        assert!(!begins_with("INSERT INTO", "INSERT INTO inbox"));
        assert!(!begins_with(
            "INSERT INTO inbox_archive",
            "INSERT INTO inbox"
        ));
    }
}

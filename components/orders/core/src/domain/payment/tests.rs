use super::*;
use mercato_kernel::{AccountId, OrderId, ProductId};

use crate::domain::{OrderItem, Quantity};

const ID: &str = "01939f6e-8a00-7000-8000-00000000000a";
const NOW: u64 = 5_000;

fn order(status: OrderStatus) -> Order {
    let item = OrderItem {
        product_id: ProductId::parse(ID).unwrap(),
        name: "Tea".into(),
        choices: Vec::new(),
        unit_price: "9.99".parse().unwrap(),
        quantity: Quantity::new(2).unwrap(),
    };
    let (id, customer) = (OrderId::parse(ID).unwrap(), AccountId::parse(ID).unwrap());
    let mut order = Order::place(id, customer, vec![item], "USD".parse().unwrap(), 1_000).unwrap();
    order.view.status = status;
    order
}

fn event(event_type: EventType, refunded_amount: i64) -> PaymentEvent {
    PaymentEvent {
        id: ID.into(),
        event_type,
        time: 4_000,
        order_id: ID.into(),
        payment_id: ID.into(),
        amount: 1_998,
        refunded_amount,
        payment_version: 0,
        currency: "USD".into(),
        receipt_url: Some("https://pay.example/r".into()),
        reason: None,
    }
}

fn apply(order: &mut Order, event: &PaymentEvent) -> EventEffect {
    order
        .apply_payment_event(event, None, ReceiptId::parse(ID).unwrap(), NOW)
        .unwrap()
}

#[test]
fn every_event_meets_every_status_as_the_table_says() {
    use EventType::{Cancelled, Failed, Refunded, Succeeded, Updated};
    use OrderStatus as S;
    use StockMove::{Commit, Release, Restock};
    let full = 1_998;
    // status before, event, refunded amount, status after, history lines, stock, refund
    let table = [
        (S::Pending, Succeeded, 0, S::Paid, 1, Some(Commit), false),
        (S::Pending, Failed, 0, S::Cancelled, 1, Some(Release), false),
        (
            S::Pending,
            Cancelled,
            0,
            S::Cancelled,
            1,
            Some(Release),
            false,
        ),
        (
            S::Pending,
            Refunded,
            full,
            S::Refunded,
            2,
            Some(Release),
            false,
        ),
        (S::Pending, Refunded, 1, S::Paid, 2, Some(Commit), false),
        (S::Paid, Succeeded, 0, S::Paid, 0, None, false),
        (S::Paid, Failed, 0, S::Paid, 0, None, false),
        (S::Paid, Cancelled, 0, S::Paid, 0, None, false),
        (
            S::Paid,
            Refunded,
            full,
            S::Refunded,
            1,
            Some(Restock),
            false,
        ),
        (S::Paid, Refunded, 1, S::Paid, 1, None, false),
        (S::Delivered, Succeeded, 0, S::Delivered, 0, None, false),
        (S::Delivered, Failed, 0, S::Delivered, 0, None, false),
        (S::Delivered, Cancelled, 0, S::Delivered, 0, None, false),
        (S::Delivered, Refunded, full, S::Refunded, 1, None, false),
        (S::Delivered, Refunded, 1, S::Delivered, 1, None, false),
        (S::Cancelled, Succeeded, 0, S::Cancelled, 1, None, true),
        (S::Cancelled, Failed, 0, S::Cancelled, 0, None, false),
        (S::Cancelled, Cancelled, 0, S::Cancelled, 0, None, false),
        (S::Cancelled, Refunded, full, S::Cancelled, 0, None, false),
        (S::Cancelled, Refunded, 1, S::Cancelled, 0, None, false),
        (S::Refunded, Succeeded, 0, S::Refunded, 0, None, false),
        (S::Refunded, Failed, 0, S::Refunded, 0, None, false),
        (S::Refunded, Cancelled, 0, S::Refunded, 0, None, false),
        (S::Refunded, Refunded, full, S::Refunded, 0, None, false),
        (S::Refunded, Refunded, 1, S::Refunded, 0, None, false),
        (S::Pending, Updated, 0, S::Paid, 2, Some(Commit), false),
        (S::Paid, Updated, 0, S::Paid, 1, None, false),
        (S::Delivered, Updated, 0, S::Delivered, 1, None, false),
        (S::Cancelled, Updated, 0, S::Cancelled, 1, None, false),
        (S::Refunded, Updated, full, S::Refunded, 1, None, false),
        // Its units were on sale never: it had been delivered.
        (S::Refunded, Updated, 0, S::Delivered, 1, None, false),
    ];
    for (before, event_type, refunded, after, changes, stock, refund) in table {
        let mut order = order(before);
        let version = order.view.version;
        let effect = apply(&mut order, &event(event_type, refunded));
        let case = format!("{before} meets {event_type:?} ({refunded})");
        assert_eq!(order.view.status, after, "{case}");
        assert_eq!(
            (effect.changes.len(), effect.stock, effect.refund),
            (changes, stock, refund),
            "{case}"
        );
        assert_eq!(
            order.view.version,
            version + u64::try_from(changes).unwrap(),
            "{case}"
        );
        assert_eq!(
            effect.outcome() == EventOutcome::Applied,
            changes > 0,
            "{case}"
        );
    }
}

#[test]
fn a_payment_gives_the_order_its_receipt() {
    let mut order = order(OrderStatus::Pending);
    apply(&mut order, &event(EventType::Succeeded, 0));
    let receipt = Receipt {
        id: ReceiptId::parse(ID).unwrap(),
        url: Some("https://pay.example/r".into()),
        issued_at: 4_000,
    };
    assert_eq!(
        (order.view.receipt, order.view.paid_at),
        (Some(receipt), Some(4_000))
    );
}

fn versioned(event_type: EventType, refunded_amount: i64, payment_version: u64) -> PaymentEvent {
    PaymentEvent {
        payment_version,
        reason: Some("a refund failed".into()),
        ..event(event_type, refunded_amount)
    }
}

/// All orders in which so many things can happen.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let insert = |shorter: Vec<usize>| {
        (0..=shorter.len()).map(move |place| {
            let mut longer = shorter.clone();
            longer.insert(place, count - 1);
            longer
        })
    };
    permutations(count - 1)
        .into_iter()
        .flat_map(insert)
        .collect()
}

#[test]
fn refunds_that_fail_end_alike_in_every_order_of_events() {
    use EventType::{Refunded, Succeeded, Updated};
    let full = 1_998;
    let refunded_again = [
        versioned(Succeeded, 0, 2),
        versioned(Refunded, full, 3),
        versioned(Updated, 0, 4),
        versioned(Refunded, full, 5),
    ];
    let refunded_in_part = [
        versioned(Succeeded, 0, 2),
        versioned(Refunded, full, 3),
        versioned(Updated, 0, 4),
        versioned(Refunded, 500, 5),
    ];
    let not_refunded = [
        versioned(Succeeded, 0, 2),
        versioned(Refunded, 500, 3),
        versioned(Updated, 0, 4),
    ];
    for (events, expected) in [
        (&refunded_again[..], OrderStatus::Refunded),
        (&refunded_in_part, OrderStatus::Paid),
        (&not_refunded, OrderStatus::Paid),
    ] {
        for places in permutations(events.len()) {
            let mut order = order(OrderStatus::Pending);
            let mut moves = Vec::new();
            for place in &places {
                moves.extend(apply(&mut order, &events[*place]).stock);
            }
            assert_eq!(order.view.status, expected, "{places:?}");
            let is_free = moves.iter().any(|stock| *stock != StockMove::Commit);
            assert_eq!(is_free, order.stock_returned, "{places:?}: {moves:?}");
            let ends = moves.iter().filter(|stock| **stock != StockMove::Commit);
            assert!(ends.count() <= 1, "{places:?}: {moves:?}");
        }
    }
}

#[test]
fn a_failed_refund_takes_the_order_back_to_where_it_was() {
    for before in [OrderStatus::Paid, OrderStatus::Delivered] {
        let mut order = order(before);
        let full = 1_998;
        apply(&mut order, &versioned(EventType::Refunded, full, 3));
        assert_eq!(order.view.status, OrderStatus::Refunded);
        let effect = apply(&mut order, &versioned(EventType::Updated, 0, 4));
        assert_eq!((order.view.status, effect.stock), (before, None));
        let change = &effect.changes[0];
        assert_eq!(
            (change.from, change.to, change.reason.as_str()),
            (Some(OrderStatus::Refunded), before, "a refund failed")
        );
        let delivered = order.deliver(Actor::System, "Delivered", NOW);
        assert!(matches!(
            delivered,
            Err(OrderError::StockReturned | OrderError::InvalidTransition(_))
        ));
        let again = apply(&mut order, &versioned(EventType::Refunded, full, 5));
        assert_eq!(
            (order.view.status, again.stock),
            (OrderStatus::Refunded, None),
            "its units are where they were"
        );
    }
}

#[test]
fn a_part_refund_stands_in_the_history() {
    let effect = apply(
        &mut order(OrderStatus::Paid),
        &event(EventType::Refunded, 500),
    );
    assert_eq!(effect.changes[0].reason, "5 of 19.98 USD refunded");
}

#[test]
fn the_history_names_who_cancelled_the_order() {
    let actor = Actor::Account(AccountId::parse(ID).unwrap());
    let cancellation = Cancellation {
        actor,
        reason: "changed my mind".into(),
    };
    let cancelled = event(EventType::Cancelled, 0);
    let effect = order(OrderStatus::Pending)
        .apply_payment_event(
            &cancelled,
            Some(&cancellation),
            ReceiptId::parse(ID).unwrap(),
            NOW,
        )
        .unwrap();
    assert_eq!(
        (&effect.changes[0].actor, effect.changes[0].reason.as_str()),
        (&actor, "changed my mind")
    );
}

#[test]
fn a_providers_reason_is_kept_short_and_clean() {
    let failed = PaymentEvent {
        reason: Some(format!("card\u{1b}[2J declined {}", "x".repeat(1_000))),
        ..event(EventType::Failed, 0)
    };
    let reason = apply(&mut order(OrderStatus::Pending), &failed)
        .changes
        .remove(0)
        .reason;
    assert!(
        reason.starts_with("Payment failed: card[2J declined xxx"),
        "{reason}"
    );
    assert!(reason.chars().count() < 250 && !reason.contains('\u{1b}'));
}

#[test]
fn an_event_about_another_amount_is_refused() {
    for broken in [
        PaymentEvent {
            amount: 1_997,
            ..event(EventType::Succeeded, 0)
        },
        PaymentEvent {
            currency: "EUR".into(),
            ..event(EventType::Succeeded, 0)
        },
    ] {
        let mut order = order(OrderStatus::Pending);
        let result = order.apply_payment_event(&broken, None, ReceiptId::parse(ID).unwrap(), NOW);
        assert!(matches!(result, Err(OrderError::Invalid(_))));
        assert_eq!(order.view.status, OrderStatus::Pending);
    }
}

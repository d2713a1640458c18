//! Every two commands at a time: one is interrupted at some call of the provider, the other goes on for some calls or to
//! its end, then the first one ends. Afterwards the provider and the shop agree:
//! nobody can pay for what is cancelled, and what was taken and given back is known.

use mercato_kernel::Caller;
use mercato_testing::Task;

use super::shop::{
    AMOUNT, CUSTOMER, SESSION_MS, Shop, account, admin, cancellation, cancels_opening, new_payment,
    order, session_id,
};
use crate::application::commands::{self, open_session, refund_payment, relay_outbox};
use crate::domain::{EventType, PaymentStatus};

/// Longer than any pause.
const LATER_MS: u64 = 10 * 60 * 1_000;

/// No command waits more often than that.
const WAITS_MAX: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Open,
    Cancel,
    /// By somebody who does not know whether the payment was opened.
    CancelOpening,
    Pay,
    Refund(Option<i64>, &'static str),
    Relay,
    ToldOfRefunds,
    ToldOfPayment,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    New,
    Pending,
    Lapsed,
    Paid,
}

impl Start {
    fn shop(self) -> Shop {
        match self {
            Self::New => Shop::new(),
            Self::Pending => Shop::with_pending_order(),
            Self::Lapsed => {
                let shop = Shop::with_pending_order();
                shop.advance(SESSION_MS);
                shop
            }
            Self::Paid => {
                let shop = Shop::with_pending_order();
                shop.pay_newest();
                shop.webhook(&shop.completed("evt_paid")).unwrap();
                shop
            }
        }
    }
}

/// What comes of it is looked at afterwards: a refusal may be right.
async fn perform(shop: &Shop, action: Action) {
    match action {
        Action::Create => drop(commands::create_session::handle(shop, &new_payment()).await),
        Action::Open => {
            let caller = Caller::Customer(account(CUSTOMER));
            let order_id = order();
            let command = open_session::Command { caller, order_id };
            drop(open_session::handle(shop, command).await);
        }
        Action::Cancel => {
            drop(commands::cancel_payment::handle(shop, &cancellation("cancelled")).await)
        }
        Action::CancelOpening => {
            drop(commands::cancel_payment::handle(shop, &cancels_opening()).await)
        }
        Action::Pay => {
            shop.faults.let_others_run().await;
            shop.pay_newest();
        }
        Action::Refund(amount, key) => {
            let command = refund_payment::Command {
                requested_by: admin(),
                payment_id: shop.payment().id,
                amount,
                reason: None,
                idempotency_key: Some(key.to_owned()),
                expected_version: None,
            };
            drop(refund_payment::handle(shop, command).await);
        }
        Action::Relay => drop(relay_outbox::handle(shop, relay_outbox::Command::default()).await),
        Action::ToldOfRefunds => {
            shop.faults.let_others_run().await;
            tell_of_refunds(shop);
        }
        Action::ToldOfPayment => {
            shop.faults.let_others_run().await;
            tell_of_payment(shop);
        }
    }
}

fn tell_of_payment(shop: &Shop) {
    if shop.provider.paid.get() {
        shop.webhook(&shop.completed("evt_paid")).unwrap();
    }
}

fn tell_of_refunds(shop: &Shop) {
    let refunded = shop.provider.refunded();
    if refunded > 0 {
        let id = format!("evt_refunded_{refunded}");
        shop.webhook(&shop.refunded_event(&id, refunded)).unwrap();
    }
}

/// The first goes on for so many turns, then the second, then the first to its end.
fn interleave(shop: &Shop, actions: [Action; 2], turns: [u32; 2]) {
    let tasks = actions.map(|action| Box::pin(perform(shop, action)) as Task<'_, ()>);
    let whose = |turn| usize::from((turns[0]..turns[0] + turns[1]).contains(&turn));
    shop.faults.interleave(tasks, whose);
}

/// The news that were on their way arrive, and the relay takes up what is left.
fn settle(shop: &Shop) {
    tell_of_payment(shop);
    tell_of_refunds(shop);
    shop.advance(LATER_MS);
    shop.relay();
    tell_of_refunds(shop);
}

fn check(shop: &Shop, case: &str) {
    let Ok(payment) = shop.try_payment() else {
        assert!(shop.provider.sessions.borrow().is_empty(), "{case}");
        return;
    };
    let count = |event_type| {
        let types = shop.event_types();
        types.iter().filter(|known| **known == event_type).count()
    };
    let paid = shop.provider.paid.get();
    let was_paid = matches!(
        payment.status,
        PaymentStatus::Succeeded | PaymentStatus::Refunded
    );
    assert_eq!(
        (was_paid, count(EventType::Succeeded)),
        (paid, usize::from(paid)),
        "{case}"
    );
    assert_eq!(payment.refunded.get(), shop.provider.refunded(), "{case}");
    assert!(payment.refunded.get() <= AMOUNT, "{case}");
    assert!(count(EventType::Cancelled) <= 1, "{case}");
    let newest = session_id(&payment.session_idempotency_key());
    for key in shop.provider.sessions.borrow().keys() {
        let id = session_id(key);
        let is_open = !shop.provider.expired.borrow().contains(&id) && !paid;
        let may_be_open = payment.is_pending() && id == newest;
        assert!(!is_open || may_be_open, "{case}: {id} is open");
    }
}

fn at_every_schedule(starts: &[Start], actions: &[Action]) {
    for start in starts {
        for first in actions {
            for second in actions {
                for turns in (0..WAITS_MAX * WAITS_MAX)
                    .map(|number| [1 + number / WAITS_MAX, 1 + number % WAITS_MAX])
                {
                    let shop = start.shop();
                    interleave(&shop, [*first, *second], turns);
                    settle(&shop);
                    let case = format!("{start:?}, {first:?} and {second:?}, {turns:?}");
                    check(&shop, &case);
                }
            }
        }
    }
}

#[test]
fn sessions_open_and_end_however_requests_meet() {
    let actions = [
        Action::Create,
        Action::Open,
        Action::Cancel,
        Action::Pay,
        Action::ToldOfPayment,
    ];
    at_every_schedule(&[Start::New, Start::Pending, Start::Lapsed], &actions);
}

#[test]
fn a_payment_that_is_given_up_while_it_opens_leaves_no_session() {
    let actions = [
        Action::Create,
        Action::Open,
        Action::Cancel,
        Action::CancelOpening,
        Action::Relay,
    ];
    at_every_schedule(&[Start::New], &actions);
}

#[test]
fn money_goes_back_as_often_as_it_should_however_requests_meet() {
    let actions = [
        Action::Refund(Some(500), "a"),
        Action::Refund(Some(500), "b"),
        Action::Refund(None, "c"),
        Action::Cancel,
        Action::Relay,
        Action::ToldOfRefunds,
    ];
    at_every_schedule(&[Start::Paid], &actions);
}

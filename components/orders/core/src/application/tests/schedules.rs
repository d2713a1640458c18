//! Every two commands about one order at a time: one is interrupted at some call, the other goes on for a while or to its
//! end, then the first one ends. Afterwards the rest arrives, and everything must hold.

use std::future::Future;
use std::pin::Pin;

use mercato_kernel::{Caller, OrderId};

use crate::application::commands::change_status::{self, ChangeStatus};
use crate::application::commands::{apply_payment_event, create_order, sweep};
use crate::application::queries::find_order;
use crate::application::tests::shop::{Shop, TTL_MS, admin, buyer, request};
use crate::domain::OrderStatus;

const KEY: &str = "k";

/// After so many turns the commands take over from one another. Every call gives way before and after its effect.
const TURNS: [u32; 3] = [1, 3, 5];

#[derive(Debug, Clone, Copy)]
enum Action {
    Create,
    Find,
    Cancel,
    Deliver,
    Pay,
    Refund,
    Tell,
    Sweep,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    HalfMade,
    Pending,
    Expired,
    Paid,
}

impl Start {
    fn shop(self) -> (Shop, OrderId) {
        let shop = Shop::new();
        if matches!(self, Self::HalfMade) {
            shop.provider().down.set(true);
        }
        drop(shop.create(Some(KEY)));
        shop.provider().down.set(false);
        let id = shop.all_orders()[0].id;
        match self {
            Self::HalfMade => shop.wait(TTL_MS / 2),
            Self::Pending => {}
            Self::Expired => shop.wait(TTL_MS),
            Self::Paid => {
                shop.customer_pays(id);
                shop.deliver_events();
            }
        }
        (shop, id)
    }
}

/// What comes of it is looked at afterwards: a refusal may be right.
async fn perform(shop: &Shop, id: OrderId, action: Action) {
    match action {
        Action::Create => drop(create_order::handle(shop, request(Some(KEY))).await),
        Action::Find => drop(find_order::handle(shop, buyer(), id).await),
        Action::Cancel => change(shop, id, buyer(), OrderStatus::Cancelled).await,
        Action::Deliver => change(shop, id, admin(), OrderStatus::Delivered).await,
        Action::Pay => {
            shop.faults.let_others_run().await;
            if shop.has_pending_payment(id) {
                shop.customer_pays(id);
            }
        }
        Action::Refund => {
            shop.faults.let_others_run().await;
            if shop.payment_status(id).is_some() {
                shop.refund(id, i64::MAX);
            }
        }
        Action::Tell => {
            for event in shop.waiting_events() {
                drop(apply_payment_event::handle(shop, &event).await);
            }
        }
        Action::Sweep => drop(sweep::handle(shop, 0).await),
    }
}

async fn change(shop: &Shop, id: OrderId, caller: Caller, status: OrderStatus) {
    let command = ChangeStatus {
        caller,
        order_id: id,
        status,
        reason: None,
        expected_version: None,
    };
    drop(change_status::handle(shop, command).await);
}

/// The first goes on for so many turns, then the second, then the first to its end.
fn schedule(first: u32, second: u32) -> u32 {
    ((1 << second) - 1) << first
}

fn at_every_schedule(start: Start, actions: &[Action]) {
    for first in actions {
        for second in actions {
            for turns in TURNS {
                for other_turns in TURNS {
                    let (shop, id) = start.shop();
                    let both = [first, second].map(|action| {
                        let perform: Pin<Box<dyn Future<Output = ()>>> =
                            Box::pin(perform(&shop, id, *action));
                        perform
                    });
                    shop.interleave(both, schedule(turns, other_turns));
                    shop.settle();
                    let case =
                        format!("{start:?}, {first:?} and {second:?}, {turns} and {other_turns}");
                    shop.check_invariants(&case);
                }
            }
        }
    }
}

#[test]
fn an_order_is_made_or_ended_however_requests_meet() {
    let actions = [Action::Create, Action::Find, Action::Cancel, Action::Sweep];
    at_every_schedule(Start::HalfMade, &actions);
}

#[test]
fn an_order_is_paid_or_cancelled_however_requests_meet() {
    let actions = [Action::Cancel, Action::Pay, Action::Tell, Action::Refund];
    at_every_schedule(Start::Pending, &actions);
}

#[test]
fn an_expired_order_is_paid_or_cancelled_however_requests_meet() {
    let actions = [Action::Create, Action::Cancel, Action::Pay, Action::Sweep];
    at_every_schedule(Start::Expired, &actions);
}

#[test]
fn an_order_is_delivered_or_refunded_however_requests_meet() {
    let actions = [Action::Deliver, Action::Refund, Action::Tell, Action::Sweep];
    at_every_schedule(Start::Paid, &actions);
}

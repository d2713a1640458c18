//! Days in the life of a shop, from a seed: customers, admins, the provider, lost and repeated events, crashes.

use mercato_kernel::OrderId;

use crate::application::commands::create_order::{self, CreateOrder};
use crate::application::tests::shop::{SIDES, Shop, admin, request, run};
use crate::domain::{OrderStatus, PaymentEvent};

const SEEDS: u64 = 150;
const STEPS: u32 = 60;

/// Numbers that look random and are the same for the same seed (xorshift64*, Marsaglia 2003 and Vigna 2016).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(usize::try_from(self.below(all.len().max(1) as u64)).unwrap())
    }
}

struct Life {
    shop: Shop,
    dice: Dice,
    /// Everything Redis ever carried: any of it may come again.
    seen: Vec<PaymentEvent>,
}

impl Life {
    fn step(&mut self) {
        let ids: Vec<OrderId> = self
            .shop
            .all_orders()
            .into_iter()
            .map(|order| order.id)
            .collect();
        let id = self.dice.pick(&ids).copied();
        self.seen.extend(self.shop.waiting_events());
        let event = self.dice.pick(&self.seen).cloned();
        let (what, amount) = (
            self.dice.below(13),
            i64::try_from(self.dice.below(2_500)).unwrap() + 1,
        );
        let key = ["a", "b", "c"][usize::try_from(self.dice.below(3)).unwrap()];
        let crash = (self.dice.below(3) == 0).then(|| {
            (
                self.dice.below(25),
                SIDES[usize::try_from(self.dice.below(2)).unwrap()],
            )
        });
        let act = |shop: &Shop| match (what, id) {
            (0, _) => drop(shop.create(None)),
            (1, _) => drop(shop.create(Some(key))),
            (2 | 3, Some(id)) if shop.has_pending_payment(id) => shop.customer_pays(id),
            (4, Some(id)) if shop.has_pending_payment(id) => shop.payment_fails(id),
            (5, Some(id)) if shop.payment_status(id).is_some() => shop.refund(id, amount),
            (6, Some(id)) => drop(shop.cancel(id)),
            (7, Some(id)) => drop(shop.change(admin(), id, OrderStatus::Delivered)),
            (12, Some(id)) => {
                let command = CreateOrder {
                    replaces: Some(id),
                    ..request(None)
                };
                drop(run(create_order::handle(shop, command)));
            }
            (8, Some(id)) => drop(shop.find(id)),
            (9 | 10, _) => drop(event.as_ref().map(|event| shop.apply(event))),
            _ => drop(shop.sweep()),
        };
        match crash {
            Some((call, side)) => drop(self.shop.crash_at(call, side, act)),
            None => act(&self.shop),
        }
        let pause = [0, 100, 6_000, 70_000, 400_000][usize::try_from(self.dice.below(5)).unwrap()];
        self.shop.wait(pause);
    }
}

#[test]
fn whatever_happens_everything_holds_in_the_end() {
    live_from(1);
}

/// The other half, at the same time.
#[test]
fn whatever_else_happens_everything_holds_in_the_end() {
    live_from(1 + SEEDS / 2);
}

fn live_from(first_seed: u64) {
    let mut orders = 0;
    for seed in first_seed..first_seed + SEEDS / 2 {
        let mut life = Life {
            shop: Shop::new(),
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            seen: Vec::new(),
        };
        for _ in 0..STEPS {
            life.step();
        }
        life.shop.settle();
        life.shop.check_invariants(&format!("seed {seed}"));
        orders += life.shop.all_orders().len();
    }
    assert!(orders > 250, "the simulation made only {orders} orders");
}

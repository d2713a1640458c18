//! The stock, as its contract says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mercato_kernel::{OrderId, ProductId};
use mercato_money::Money;

use super::faults::Faults;
use crate::domain::{Line, LineProblem, OrderError, OrderItem, RejectedLine};
use crate::ports::{Inventory, ReserveError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockState {
    Held,
    Committed,
    Released,
    Restocked,
}

#[derive(Debug, Clone, Default)]
pub struct Product {
    pub price: Money,
    pub free: u64,
    pub reserved: u64,
    pub sold: u64,
    pub initial: u64,
}

#[derive(Debug, Clone)]
pub struct Reservation {
    pub state: StockState,
    lines: Vec<(ProductId, u64)>,
    answer: Vec<OrderItem>,
}

/// The stock, as its contract says.
pub struct FakeInventory {
    pub faults: Rc<Faults>,
    pub products: RefCell<BTreeMap<ProductId, Product>>,
    pub reservations: RefCell<BTreeMap<OrderId, Reservation>>,
    pub down: Cell<bool>,
    /// A fault that waiting does not mend.
    pub broken: Cell<bool>,
    /// How many reservations were last given back in one call.
    pub released_together: Cell<usize>,
    /// After what time reservations were last asked to be forgotten, in milliseconds.
    pub purged_after_ms: Cell<u64>,
}

impl FakeInventory {
    fn reserve_now(
        &self,
        order_id: OrderId,
        lines: &[Line],
    ) -> Result<Vec<OrderItem>, ReserveError> {
        if let Some(known) = self.reservations.borrow().get(&order_id) {
            return match known.state {
                StockState::Released => Err(ReserveError::Released),
                _ => Ok(known.answer.clone()),
            };
        }
        let mut products = self.products.borrow_mut();
        let rejected: Vec<_> = lines
            .iter()
            .filter_map(|line| reject(&products, line))
            .collect();
        if !rejected.is_empty() {
            return Err(ReserveError::Rejected(rejected));
        }
        let mut answer = Vec::new();
        for line in lines {
            let product = products.get_mut(&line.product_id).unwrap();
            product.free -= u64::from(line.quantity.get());
            product.reserved += u64::from(line.quantity.get());
            answer.push(OrderItem {
                product_id: line.product_id,
                name: "Tea".to_owned(),
                unit_price: product.price,
                quantity: line.quantity,
            });
        }
        let lines = lines
            .iter()
            .map(|line| (line.product_id, u64::from(line.quantity.get())))
            .collect();
        let reservation = Reservation {
            state: StockState::Held,
            lines,
            answer: answer.clone(),
        };
        self.reservations.borrow_mut().insert(order_id, reservation);
        Ok(answer)
    }

    fn settle(&self, order_id: OrderId, to: StockState) -> Result<(), OrderError> {
        let mut reservations = self.reservations.borrow_mut();
        use StockState::{Committed, Held, Released, Restocked};
        let nothing = Reservation {
            state: Released,
            lines: vec![],
            answer: vec![],
        };
        let known = match (reservations.get_mut(&order_id), to) {
            (Some(known), _) => known,
            (None, Released) => {
                reservations.insert(order_id, nothing);
                return Ok(());
            }
            (None, _) => return Err(OrderError::Internal),
        };
        match (known.state, to) {
            (Held, Committed | Released) | (Committed, Restocked) => {}
            (from, to) if from == to => return Ok(()),
            (Restocked, _) | (Released, Restocked) => return Ok(()),
            _ => return Err(OrderError::Internal),
        }
        for (product_id, units) in &known.lines {
            let mut products = self.products.borrow_mut();
            let product = products.get_mut(product_id).unwrap();
            let (from, into) = match to {
                Committed => (&mut product.reserved, &mut product.sold),
                Restocked => (&mut product.sold, &mut product.free),
                _ => (&mut product.reserved, &mut product.free),
            };
            *from -= units;
            *into += units;
        }
        known.state = to;
        Ok(())
    }

    async fn move_stock(&self, order_id: OrderId, to: StockState) -> Result<(), OrderError> {
        let settle = || {
            if self.down.get() {
                Err(OrderError::Unavailable)
            } else if self.broken.get() {
                Err(OrderError::Internal)
            } else {
                self.settle(order_id, to)
            }
        };
        self.faults.around_async(settle).await
    }
}

fn reject(products: &BTreeMap<ProductId, Product>, line: &Line) -> Option<RejectedLine> {
    let free = products.get(&line.product_id).map(|product| product.free);
    let requested = line.quantity.get();
    let code = match free {
        None => LineProblem::UnknownProduct,
        Some(free) if free < u64::from(requested) => LineProblem::InsufficientStock,
        Some(_) => return None,
    };
    let available = free.unwrap_or(0);
    Some(RejectedLine {
        product_id: line.product_id,
        code,
        requested,
        available,
    })
}

impl Inventory for FakeInventory {
    async fn reserve(
        &self,
        order_id: OrderId,
        lines: &[Line],
    ) -> Result<Vec<OrderItem>, ReserveError> {
        let reserve = || {
            if self.down.get() {
                return Err(ReserveError::Failed(OrderError::Unavailable));
            }
            self.reserve_now(order_id, lines)
        };
        self.faults.around_async(reserve).await
    }

    async fn commit(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Committed).await
    }

    async fn release(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Released).await
    }

    async fn restock(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.move_stock(order_id, StockState::Restocked).await
    }

    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError> {
        let settle = || {
            self.released_together.set(order_ids.len());
            if self.down.get() {
                return Err(OrderError::Unavailable);
            } else if self.broken.get() {
                return Err(OrderError::Internal);
            }
            let release = |id: &OrderId| self.settle(*id, StockState::Released);
            Ok(order_ids.iter().map(release).collect())
        };
        self.faults.around_async(settle).await
    }

    async fn purge(&self, released_for_ms: u64, _: u32) -> Result<u32, OrderError> {
        self.purged_after_ms.set(released_for_ms);
        Ok(0)
    }
}

//! What must hold whenever nothing is under way.

use super::{Shop, StockState};
use crate::application::queries::metrics_snapshot;
use crate::domain::{OrderStatus, OrderView, PaymentStatus, Quote};
use crate::ports::Store;

impl Shop {
    /// What must hold whenever nothing is under way.
    pub fn check_invariants(&self, case: &str) {
        assert!(
            self.waiting_events().is_empty(),
            "{case}: {:?}",
            self.waiting_events()
        );
        let due = Store::read(&self.store.database, |records| {
            Ok((
                records.due_pending_actions(u64::MAX, 100)?,
                records.due_sagas(u64::MAX, 100)?,
            ))
        });
        let (actions, sagas) = due.unwrap();
        assert!(actions.is_empty(), "{case}: pending {actions:?}");
        self.check_holders(case);
        let orders = self.all_orders();
        let pending = orders
            .iter()
            .filter(|order| order.status == OrderStatus::Pending)
            .count();
        assert_eq!(sagas.len(), pending, "{case}: unfinished {sagas:?}");
        for order in &orders {
            self.check_order(order, case);
        }
        for (status, counted) in metrics_snapshot::handle(self).unwrap().orders {
            let of_status = orders.iter().filter(|order| order.status == status);
            assert_eq!(counted, of_status.count() as u64, "{case}: orders {status}");
        }
        for id in self.provider().payable_orders() {
            let order = orders.iter().find(|order| order.id == id);
            assert!(
                order.is_some_and(|order| order.status == OrderStatus::Pending),
                "{case}: {id} can still be paid: {order:?}"
            );
        }
        let known = |id| orders.iter().any(|order| order.id == id);
        self.inventory.check(known, case);
        for id in self.inventory.orders().into_iter().filter(|id| !known(*id)) {
            let status = self.payments.of(id).map(|payment| payment.status);
            assert!(
                !matches!(
                    status,
                    Some(PaymentStatus::Pending | PaymentStatus::Succeeded)
                ),
                "{case}: payment of no order {id}: {status:?}"
            );
        }
    }

    /// What holders hold is what their unfinished orders say, and nothing of it is left when these end.
    fn check_holders(&self, case: &str) {
        let wrong = "
          SELECT COUNT(*)
          FROM holders
          WHERE (open_orders, held_units) <> (
            SELECT COUNT(*), COALESCE(SUM(units), 0)
            FROM sagas
            WHERE holder IN (customer_id, client) AND step NOT IN ('done', 'rejected'))";
        assert_eq!(self.number(wrong), 0, "{case}: what is held");
        let kept =
            "SELECT COUNT(*) FROM sagas WHERE step IN ('done', 'rejected') AND client IS NOT NULL";
        assert_eq!(self.number(kept), 0, "{case}: clients of ended orders");
        let lines = "
          SELECT COUNT(*)
          FROM saga_lines JOIN sagas USING (order_id)
          WHERE step <> 'new'";
        assert_eq!(self.number(lines), 0, "{case}: lines of orders that stand");
    }

    fn check_order(&self, order: &OrderView, case: &str) {
        let case = format!("{case}: order {} is {}", order.id, order.status);
        let sum: i64 = order
            .items
            .iter()
            .map(|item| item.unit_price.units() * i64::from(item.quantity.get()))
            .sum();
        match &order.quote {
            Some(quote) => check_quote(quote.quote(), order, &case),
            None => assert_eq!(sum, order.total_amount.units(), "{case}"),
        }
        let payment = self.payments.of(order.id);
        if let Some(payment) = &payment {
            assert_eq!(payment.amount, order.amount_due(), "{case}");
        }
        use PaymentStatus as P;
        use StockState::{Committed, Held, Released, Restocked};
        let status = payment.map(|payment| payment.status);
        let stock = self.stock_state(order.id).unwrap();
        let fits = match order.status {
            OrderStatus::Pending => status == Some(P::Pending) && stock == Held,
            OrderStatus::Paid | OrderStatus::Delivered => {
                status == Some(P::Succeeded) && stock == Committed
            }
            OrderStatus::Cancelled => {
                !matches!(status, Some(P::Pending | P::Succeeded))
                    && stock == Released
                    && order.paid_at.is_none()
            }
            OrderStatus::Refunded => {
                let was_delivered = self
                    .history(order.id)
                    .iter()
                    .any(|line| line.contains(">DELIVERED"));
                let expected = if was_delivered {
                    stock == Committed
                } else {
                    matches!(stock, Released | Restocked)
                };
                status == Some(P::Refunded) && expected
            }
        };
        assert!(fits, "{case}, payment {status:?}, stock {stock:?}");
    }
}

/// Lines and shipping add up to the total of the quote, which is what is paid.
fn check_quote(quote: &Quote, order: &OrderView, case: &str) {
    for line in &quote.lines {
        assert_eq!(line.total, line.amount - line.discount, "{case}: {line:?}");
        assert_eq!(line.total, line.net + line.tax, "{case}: {line:?}");
    }
    let lines: i64 = quote.lines.iter().map(|line| line.total).sum();
    let shipping = quote.shipping.as_ref().map_or(0, |shipping| shipping.total);
    assert_eq!(lines + shipping, quote.totals.total, "{case}");
    assert_eq!(order.amount_due(), quote.totals.total, "{case}");
}

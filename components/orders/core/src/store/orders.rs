//! Orders with their items.

use mercato_kernel::{Named as _, OrderId, PageStart, Total, Uuid};
use mercato_money::Money;
use mercato_sql::{Error, Row, Value, params};

use super::items::item_of;
use super::listing::{COLUMNS, columns, count_of, page_of};
use super::sagas::saga_columns;
use super::{Records, exactly_one, id, json_of, key, named};
use crate::application::queries::list_orders::{OrderFilter, OrderSort, Place};
use crate::domain::{
    Order, OrderError, OrderItem, OrderNumber, OrderStatus, OrderView, Receipt, Saga,
};

/// A saga's customer and time of creation are those of its order.
const ORDER_AND_SAGA: &str = concat!(
    "
SELECT ",
    columns!(),
    ", ",
    saga_columns!(),
    "
FROM orders
LEFT JOIN (SELECT order_id, ",
    saga_columns!(),
    " FROM sagas) AS own ON own.order_id = orders.id
WHERE orders.id = ?"
);

const INSERT_ORDER: &str = "
INSERT INTO orders
  (id, customer_id, status, total_amount, total_items, currency,
   receipt_id, receipt_url, receipt_issued_at, paid_at, created_at, updated_at, version, number, checkout_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (number) DO NOTHING";

/// As many rows of values follow as there are items.
const INSERT_ITEMS: &str = "
INSERT INTO order_items (order_id, position, product_id, name, choices, unit_price, quantity)";

const UPDATE_ORDER: &str = "
UPDATE orders
SET status = ?, receipt_id = ?, receipt_url = ?, receipt_issued_at = ?, paid_at = ?, updated_at = ?, version = ?,
  payment_version = ?, stock_returned = ?
WHERE id = ?";

const ITEMS: &str = "
SELECT order_id, product_id, name, choices, unit_price, quantity
FROM order_items
WHERE order_id IN (SELECT value FROM json_each(?))
ORDER BY order_id, position -- plan on PostgreSQL: sorts the lines of few orders";

pub(super) const ORDER_COUNTS: &str = "
SELECT status, orders
FROM order_counts -- plan: a row for each status";

impl Records<'_> {
    /// One order with its items.
    pub fn order(&self, id: OrderId) -> Result<Option<Order>, OrderError> {
        match self.order_row(id)? {
            Some(row) => self.order_of(row),
            None => Ok(None),
        }
    }

    fn order_of(&self, row: Row) -> Result<Option<Order>, OrderError> {
        let (payment_version, stock_returned) =
            (row.get("payment_version")?, row.get("stock_returned")?);
        let view = self.views(&[row])?.pop();
        Ok(view.map(|view| Order::restore(view, payment_version, stock_returned)))
    }

    /// One order with its items, and its saga, as long as that is kept.
    pub fn order_and_saga(&self, id: OrderId) -> Result<Option<(Order, Option<Saga>)>, OrderError> {
        let Some(row) = self.0.query_one(ORDER_AND_SAGA, params![key(id)])? else {
            return Ok(None);
        };
        let step: Option<String> = row.get("step")?;
        let saga = step.map(|_| self.saga_of(id, &row)).transpose()?;
        let order = self.order_of(row)?;
        Ok(order.map(|order| (order, saga)))
    }

    /// One order as it is shown.
    pub fn order_view(&self, id: OrderId) -> Result<Option<OrderView>, OrderError> {
        let row = self.order_row(id)?;
        Ok(self.views(row.as_slice())?.pop())
    }

    /// Stores a new order with its items; false, and nothing is stored, when another order has its number.
    pub fn insert_order(&self, order: &Order) -> Result<bool, OrderError> {
        let order = order.view();
        let receipt = order.receipt.as_ref();
        let inserted = self.0.execute_counted(
            INSERT_ORDER,
            params![
                key(order.id),
                key(order.customer_id),
                order.status.name(),
                order.total_amount.units(),
                order.total_items,
                order.currency.code(),
                receipt.map(|receipt| key(receipt.id)),
                receipt.and_then(|receipt| receipt.url.as_deref()),
                receipt.map(|receipt| receipt.issued_at),
                order.paid_at,
                order.created_at,
                order.updated_at,
                order.version,
                order.number.as_str(),
                order.quote.as_ref().map(|quote| key(quote.checkout_id())),
            ],
        )?;
        if inserted == 0 {
            return Ok(false);
        }
        self.insert_items((INSERT_ITEMS, ""), order.id, &order.items)?;
        Ok(true)
    }

    /// Stores items, in their order, with one statement that begins like that.
    pub(super) fn insert_items(
        &self,
        (insert, on_conflict): (&str, &str),
        order_id: OrderId,
        items: &[OrderItem],
    ) -> Result<(), OrderError> {
        let row = |(position, item): (u32, &OrderItem)| -> [Value; 7] {
            [
                key(order_id),
                position.into(),
                key(item.product_id),
                item.name.as_str().into(),
                Value::json(&item.choices),
                item.unit_price.units().into(),
                item.quantity.get().into(),
            ]
        };
        let rows = (0..).zip(items).map(row);
        Ok(self.0.insert_or_update_rows(insert, on_conflict, rows)?)
    }

    /// Stores what can change of an order: status, receipt, times, version.
    pub fn update_order(&self, order: &Order) -> Result<(), OrderError> {
        let view = order.view();
        let receipt = view.receipt.as_ref();
        let changed = self.0.execute_counted(
            UPDATE_ORDER,
            params![
                view.status.name(),
                receipt.map(|receipt| key(receipt.id)),
                receipt.and_then(|receipt| receipt.url.as_deref()),
                receipt.map(|receipt| receipt.issued_at),
                view.paid_at,
                view.updated_at,
                view.version,
                order.payment_version(),
                order.stock_returned(),
                key(view.id),
            ],
        )?;
        exactly_one(changed, "orders")
    }

    /// At most `limit` orders from `start` on, and how many there are in all, as far as they are counted.
    pub fn list(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        start: &PageStart<Place>,
        limit: u32,
    ) -> Result<(Vec<OrderView>, Total), OrderError> {
        let (statement, values) = count_of(filter);
        let count = self.0.query_one(&statement, &values)?;
        let total = Total::counted(count.map_or(Ok(0), |row| row.get("orders"))?);
        let (statement, values) = page_of(filter, sort, total.is_exact, start, limit);
        let rows = self.0.query(&statement, &values)?;
        Ok((self.views(&rows)?, total))
    }

    /// Number of orders of every status, none left out. Costs the same however many orders there are.
    pub fn counts(&self) -> Result<Vec<(OrderStatus, u64)>, OrderError> {
        let all = OrderStatus::ALL.iter();
        let mut counts: Vec<_> = all.map(|status| (*status, 0)).collect();
        for row in self.0.query(ORDER_COUNTS, &[])? {
            let counted: OrderStatus = named(&row, "status")?;
            if let Some(count) = counts.iter_mut().find(|(status, _)| *status == counted) {
                count.1 = row.get("orders")?;
            }
        }
        Ok(counts)
    }

    fn order_row(&self, id: OrderId) -> Result<Option<Row>, OrderError> {
        let statement = format!("SELECT {COLUMNS} FROM orders WHERE id = ?");
        Ok(self.0.query_one(&statement, params![key(id)])?)
    }

    /// The orders of these rows, with their items, which one statement reads.
    fn views(&self, rows: &[Row]) -> Result<Vec<OrderView>, OrderError> {
        let mut orders = rows.iter().map(view_of).collect::<Result<Vec<_>, _>>()?;
        if orders.is_empty() {
            return Ok(orders);
        }
        self.add_quotes(rows, &mut orders)?;
        let ids = json_of(orders.iter().map(|order| order.id.to_string()));
        for row in self.0.query(ITEMS, &[Value::Text(ids)])? {
            let order_id: OrderId = id(&row, "order_id")?;
            if let Some(order) = orders.iter_mut().find(|order| order.id == order_id) {
                order.items.push(item_of(&row)?);
            }
        }
        Ok(orders)
    }
}

impl Records<'_> {
    /// Adds their quotes to those of these orders that were checkouts.
    fn add_quotes(&self, rows: &[Row], orders: &mut [OrderView]) -> Result<(), OrderError> {
        let mut quoted = Vec::new();
        for (row, order) in rows.iter().zip(orders.iter()) {
            let checkout: Option<Uuid> = row.get("checkout_id")?;
            if checkout.is_some() {
                quoted.push(order.id);
            }
        }
        if quoted.is_empty() {
            return Ok(());
        }
        for (order_id, quote) in self.quotes(&quoted)? {
            if let Some(order) = orders.iter_mut().find(|order| order.id == order_id) {
                order.quote = Some(Box::new(quote));
            }
        }
        Ok(())
    }
}

fn view_of(row: &Row) -> Result<OrderView, OrderError> {
    let receipt_id: Option<Uuid> = row.get("receipt_id")?;
    let issued_at: Option<u64> = row.get("receipt_issued_at")?;
    let url: Option<String> = row.get("receipt_url")?;
    let currency: String = row.get("currency")?;
    Ok(OrderView {
        id: id(row, "id")?,
        number: OrderNumber::parse(&row.get::<String>("number")?)
            .map_err(|_| Error::not("number", "an order number"))?,
        customer_id: id(row, "customer_id")?,
        status: named(row, "status")?,
        items: Vec::new(),
        total_amount: Money::from_units(row.get("total_amount")?),
        total_items: row.get("total_items")?,
        currency: currency
            .parse()
            .map_err(|_| Error::not("currency", "a currency"))?,
        quote: None,
        receipt: receipt_id.zip(issued_at).map(|(id, issued_at)| Receipt {
            id: id.into(),
            url,
            issued_at,
        }),
        paid_at: row.get("paid_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    })
}

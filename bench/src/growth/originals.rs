//! What is made through the API before it is copied: products, a customer, and an order of every kind.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::{
    filling::{CSV_HEADER, Client, PASSWORD, STOCK, csv_row, member},
    server::Server,
};

/// Events that follow an order are handled, and sessions of payments ended, within seconds.
const SETTLED_LIMIT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// What is still to be done after all orders were made, counted where the shop keeps it.
const UNDER_WAY: [(&str, &str); 4] = [
    ("orders", "SELECT COUNT(*) FROM follow_ups"),
    (
        "payments",
        "SELECT COUNT(*) FROM outbox WHERE acknowledged_at IS NULL",
    ),
    (
        "payments",
        "SELECT COUNT(*) FROM sessions WHERE is_over = 0 AND end_at IS NOT NULL",
    ),
    (
        "payments",
        "SELECT COUNT(*) FROM refunds WHERE status = 'PENDING'",
    ),
];

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pending,
    Paid,
    Delivered,
    /// By its customer, before it was paid.
    Cancelled,
    /// Its payment failed.
    Failed,
    Refunded,
    RefundedInPart,
}

/// How many orders of a hundred each kind stands for, and of how many lines they are.
const KINDS: [(Fate, u64, usize); 7] = [
    (Fate::Delivered, 50, 2),
    (Fate::Paid, 30, 1),
    (Fate::Cancelled, 8, 1),
    (Fate::Failed, 4, 2),
    (Fate::Refunded, 4, 1),
    (Fate::RefundedInPart, 3, 3),
    (Fate::Pending, 1, 1),
];

/// Products that are ordered; one more is sold out.
const SOLD: usize = 3;

/// A product.
#[derive(Debug, Clone)]
pub struct Product {
    /// Its identifier.
    pub id: String,
    /// Its name, in small letters.
    pub name: String,
    /// The number that the shop knows it by.
    pub sku: String,
    /// Its readable address.
    pub slug: String,
}

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its identifier.
    pub id: String,
    /// The number that people know it by.
    pub number: String,
    /// The identifier of its payment.
    pub payment_id: String,
    /// The beginning of its idempotency keys.
    pub key: String,
    /// What it is in the end.
    pub status: &'static str,
    /// How many of a hundred orders are like it.
    pub share: u64,
    /// How many lines it has: of the first products.
    pub lines: usize,
}

/// All of them.
#[derive(Debug, Clone)]
pub struct Originals {
    /// Whose orders these are.
    pub customer_id: String,
    /// The address of that customer.
    pub email: String,
    /// What is ordered.
    pub products: Vec<Product>,
    /// A product that is sold out.
    pub sold_out: Product,
    /// One of each kind.
    pub orders: Vec<Order>,
}

/// Somebody to act as, in a shop.
struct Maker {
    client: Client,
    admin: String,
    customer: String,
    products: Vec<Product>,
}

/// Makes all, and waits until nothing more is to be done for them.
///
/// # Errors
/// When the shop refuses something.
pub fn make(server: &Server) -> Result<Originals> {
    let client = Client::new(server.base_url());
    let (email, password) = server.admin();
    let admin = client.log_in(email, password)?;
    let mut products = products(&client, &admin)?;
    let sold_out = products.pop().context("a product that is sold out")?;
    let email = "original-customer@mercato.bench".to_owned();
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let session = client.post("/api/v1/auth/register", "", "", &body)?;
    let maker = Maker {
        customer: member(&session, "/accessToken")?,
        client,
        admin,
        products,
    };
    let orders = KINDS
        .iter()
        .map(|(fate, share, lines)| maker.order(*fate, *share, *lines));
    let orders: Vec<_> = orders.collect::<Result<_>>()?;
    wait(&server.databases())?;
    maker.check(&orders)?;
    let me = maker.client.get_as("/api/v1/auth/me", &maker.customer)?;
    Ok(Originals {
        customer_id: member(&me, "/id")?,
        email,
        products: maker.products,
        sold_out,
        orders,
    })
}

fn products(client: &Client, admin: &str) -> Result<Vec<Product>> {
    let mut csv = CSV_HEADER.to_owned();
    for number in 0..=SOLD {
        let stock = if number < SOLD { STOCK } else { 0 };
        csv += &csv_row(
            &format!("original product {number}"),
            &format!("ORIGINAL-{number}"),
            "12.50",
            stock,
        );
    }
    client.import(admin, &csv)?;
    let products = (0..=SOLD).map(|number| {
        let sku = format!("ORIGINAL-{number}");
        let text = client.get(&format!("/api/v1/products?sku={sku}"))?;
        let page: Value = serde_json::from_str(&text)?;
        Ok(Product {
            id: member(&page, "/data/0/id")?,
            name: member(&page, "/data/0/name")?,
            slug: member(&page, "/data/0/slug")?,
            sku,
        })
    });
    products.collect()
}

impl Maker {
    fn order(&self, fate: Fate, share: u64, lines: usize) -> Result<Order> {
        let key = format!("original-order-of-kind-{fate:?}");
        let products = self.products.iter().take(lines);
        let items: Vec<_> = products
            .map(|product| json!({ "productId": product.id, "quantity": 1 }))
            .collect();
        let body = json!({ "items": items });
        let made = self
            .client
            .post("/api/v1/orders", &self.customer, &key, &body)?;
        let id = member(&made, "/id")?;
        let payment = self
            .client
            .get_as(&format!("/api/v1/payments/order/{id}"), &self.customer)?;
        let order = Order {
            number: member(&made, "/number")?,
            payment_id: member(&payment, "/id")?,
            id,
            key,
            status: fate.status(),
            share,
            lines,
        };
        self.end(fate, &order, &member(&made, "/paymentSession/id")?)
            .with_context(|| format!("{fate:?}"))?;
        Ok(order)
    }

    fn end(&self, fate: Fate, order: &Order, session: &str) -> Result<()> {
        match fate {
            Fate::Pending => {}
            Fate::Paid => self.pay(session, "succeed")?,
            Fate::Failed => self.pay(session, "fail")?,
            Fate::Cancelled => self.change(order, &self.customer, "CANCELLED")?,
            Fate::Delivered => {
                self.pay(session, "succeed")?;
                self.change(order, &self.admin, "DELIVERED")?;
            }
            Fate::Refunded | Fate::RefundedInPart => {
                self.pay(session, "succeed")?;
                let amount = if fate == Fate::Refunded {
                    json!({})
                } else {
                    json!({ "amount": 1.5 })
                };
                let path = format!("/api/v1/payments/{}/refund", order.payment_id);
                self.client.post(
                    &path,
                    &self.admin,
                    &format!("{}-refund", order.key),
                    &amount,
                )?;
            }
        }
        Ok(())
    }

    /// Reading the order afterwards has the payment's event applied at once.
    fn pay(&self, session: &str, outcome: &str) -> Result<()> {
        let path = format!("/api/v1/payments/mock/checkout/{session}");
        let payment = self
            .client
            .post(&path, "", "", &json!({ "outcome": outcome }))?;
        let order = member(&payment, "/orderId")?;
        let path = format!("/api/v1/orders/id/{order}");
        self.client.get_as(&path, &self.customer).map(drop)
    }

    fn change(&self, order: &Order, token: &str, status: &str) -> Result<()> {
        let path = format!("/api/v1/orders/{}", order.id);
        self.client
            .patch(&path, token, &json!({ "status": status }))
            .map(drop)
    }

    fn check(&self, orders: &[Order]) -> Result<()> {
        for order in orders {
            let path = format!("/api/v1/orders/id/{}", order.id);
            let status = member(&self.client.get_as(&path, &self.customer)?, "/status")?;
            ensure!(status == order.status, "{} has become {status}", order.key);
        }
        Ok(())
    }
}

impl Fate {
    const fn status(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid | Self::RefundedInPart => "PAID",
            Self::Delivered => "DELIVERED",
            Self::Cancelled | Self::Failed => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }
}

/// Copies of what is not finished would all have to be finished by the shop.
fn wait(databases: &Path) -> Result<()> {
    let began = Instant::now();
    loop {
        let mut left = 0;
        for (database, statement) in UNDER_WAY {
            let path = databases.join(format!("{database}.db"));
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            left += connection.query_row(statement, [], |row| row.get::<_, i64>(0))?;
        }
        if left == 0 {
            return Ok(());
        }
        if began.elapsed() > SETTLED_LIMIT {
            bail!("{left} things are still to be done for the first orders");
        }
        thread::sleep(POLL_INTERVAL);
    }
}

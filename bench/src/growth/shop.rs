//! A shop that has grown, and what it answers.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    catalogue::{self, Catalogue},
    copies::{CUSTOMER_OF_FEW, CUSTOMER_OF_MANY, Copies, FEW_ORDERS},
    fill,
    operations::{Asker, Operation, Samples},
    originals,
};
use crate::{
    filling::{Client, PASSWORD, member},
    server::Server,
};

/// Products of a page in a walk through all.
const PAGE: usize = 100;

/// Products of the pages that are measured.
const LAST_PAGE: usize = 10;

/// Most products, and words, that are asked for.
const SAMPLES_MAX: usize = 10_000;

/// Customers that order, by their numbers.
const BUYERS: std::ops::Range<u64> = 2..10;

/// How often a login is tried.
const LOGIN_TRIES: u32 = 3;

/// Waiting for readiness.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// A shop of some size.
#[derive(Debug)]
pub struct Grown {
    /// The server.
    pub server: Server,
    /// Products, and orders, that it was filled with.
    pub size: u64,
    /// How long that took.
    pub filled_in: Duration,
    /// What its databases take on the disk, in bytes.
    pub bytes: u64,
    client: Client,
    samples: Samples,
}

impl Grown {
    /// Starts a shop, has it make one of each kind, and copies these until there are so many.
    ///
    /// # Errors
    /// When the shop refuses something, or is not whole afterwards.
    pub fn new(runner: &Path, size: u64) -> Result<Self> {
        let mut server = Server::mercato(runner)?;
        let originals = originals::make(&server).context("cannot make what is to be copied")?;
        server.stop();
        let began = Instant::now();
        let catalogue = fill::fill(&server.databases(), &originals, size)?;
        let filled_in = began.elapsed();
        let bytes = bytes(&server.databases())?;
        server.start_mercato(runner)?;
        let mut grown = Self {
            client: Client::new(server.base_url()),
            server,
            size,
            filled_in,
            bytes,
            samples: Samples::default(),
        };
        let copies = Copies {
            originals: &originals,
            catalogue,
        };
        grown
            .check(copies)
            .context("the shop does not show what it was filled with")?;
        grown.samples = grown.sample(catalogue)?;
        Ok(grown)
    }

    /// Starts it again, and gives how long it took until it was ready.
    ///
    /// # Errors
    /// When it does not become so.
    pub fn restart(&mut self, runner: &Path) -> Result<Duration> {
        self.server.stop();
        let began = Instant::now();
        self.server.start_mercato(runner)?;
        while self.client.get("/api/health/ready").is_err() {
            ensure!(
                began.elapsed() < READY_LIMIT,
                "the shop does not become ready"
            );
        }
        Ok(began.elapsed())
    }

    /// Writes what a script needs for an operation, with tokens that are good for the next minutes.
    ///
    /// # Errors
    /// When somebody cannot log in.
    pub fn data(&self, operation: Operation) -> Result<PathBuf> {
        let mut text = "return {\n".to_owned();
        let list = |items: &[String]| {
            let items: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
            items.join(",\n")
        };
        writeln!(
            text,
            "paths = {{ {} }},",
            list(&operation.paths(&self.samples))
        )?;
        if let Some(token) = self.token(operation.asker())? {
            writeln!(text, "token = {token:?},")?;
        }
        if operation == Operation::Order {
            writeln!(
                text,
                "products = {{ {} }},\naccounts = {{",
                list(&self.samples.products)
            )?;
            for buyer in BUYERS {
                writeln!(text, "{{ token = {:?} }},", self.log_in(buyer)?)?;
            }
            text += "},\n";
        }
        let file = self.server.folder().join("data.lua");
        fs::write(&file, text + "}\n").context("cannot write the file for wrk's scripts")?;
        Ok(file)
    }

    fn token(&self, asker: Asker) -> Result<Option<String>> {
        match asker {
            Asker::Anybody => Ok(None),
            Asker::CustomerOfFew => self.log_in(CUSTOMER_OF_FEW).map(Some),
            Asker::CustomerOfMany => self.log_in(CUSTOMER_OF_MANY).map(Some),
        }
    }

    /// A login that fails is said, and tried again: it would be a pity to begin all anew for it.
    fn log_in(&self, customer: u64) -> Result<String> {
        let email = catalogue::email(customer);
        for _ in 1..LOGIN_TRIES {
            match self.client.log_in(&email, PASSWORD) {
                Ok(token) => return Ok(token),
                Err(error) => eprintln!("{} products: {error}", self.size),
            }
        }
        self.client.log_in(&email, PASSWORD)
    }

    fn json(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.client.get(path)?)?)
    }

    /// Compares what the shop says of itself with what was written.
    fn check(&self, copies: Copies<'_>) -> Result<()> {
        let (email, password) = self.server.admin();
        let admin = self.client.log_in(email, password)?;
        let stats = self.client.get_as("/api/v1/products/stats", &admin)?;
        ensure!(number(&stats, "/products") == Some(self.size), "{stats}");
        let stats = self.client.get_as("/api/v1/orders/stats", &admin)?;
        for (status, orders) in copies.statuses() {
            let told = number(&stats, &format!("/byStatus/{status}"));
            ensure!(
                told == Some(orders),
                "{orders} orders are {status}: {stats}"
            );
        }
        let product = copies.catalogue.products / 2;
        let (id, word) = (
            copies.catalogue.product_id(product),
            catalogue::rare_word(product),
        );
        let found = self.json(&format!("/api/v1/products?q={word}"))?;
        ensure!(
            ids(&found)?.contains(&id),
            "{word} does not find {id}: {found}"
        );
        let (orders, token) = self.orders_of_few()?;
        ensure!(
            orders.len() as u64 == FEW_ORDERS,
            "a customer has {} orders",
            orders.len()
        );
        for id in orders {
            let order = self
                .client
                .get_as(&format!("/api/v1/orders/id/{id}"), &token)?;
            let product = member(&order, "/items/0/productId")?;
            let product = self.json(&format!("/api/v1/products/{product}"))?;
            ensure!(
                product.get("name") == order.pointer("/items/0/name"),
                "the order's product is {product}: {order}"
            );
        }
        Ok(())
    }

    /// The orders of the customer who has a few, and an access token of that customer.
    fn orders_of_few(&self) -> Result<(Vec<String>, String)> {
        let token = self.log_in(CUSTOMER_OF_FEW)?;
        let path = format!("/api/v1/orders?limit={PAGE}");
        Ok((ids(&self.client.get_as(&path, &token)?)?, token))
    }

    fn sample(&self, catalogue: Catalogue) -> Result<Samples> {
        let walk = self.walk()?;
        let every = (walk.for_sale.len() / SAMPLES_MAX).max(1);
        let numbers =
            (0..catalogue.products).step_by(usize::try_from(catalogue.products)? / SAMPLES_MAX + 1);
        Ok(Samples {
            products: walk
                .for_sale
                .into_iter()
                .step_by(every)
                .take(SAMPLES_MAX)
                .collect(),
            rare_words: numbers.map(catalogue::rare_word).collect(),
            last_page: walk.last_page,
            orders: self.orders_of_few()?.0,
        })
    }

    /// Goes through all products, page by page, and sees each of them once.
    fn walk(&self) -> Result<Walk> {
        let mut walk = Walk::default();
        let mut after = String::new();
        loop {
            // The last pages are of the length that is measured.
            let is_near_end = walk.seen + 2 * (PAGE as u64) > self.size;
            let limit = if is_near_end { LAST_PAGE } else { PAGE };
            let page = self.json(&format!("/api/v1/products?limit={limit}{after}"))?;
            walk.take(&page)?;
            let Some(next) = page.pointer("/meta/next").and_then(Value::as_str) else {
                break;
            };
            next.clone_into(&mut walk.last_page);
            after = format!("&after={next}");
        }
        ensure!(
            walk.seen == self.size,
            "a walk saw {} of {} products",
            walk.seen,
            self.size
        );
        Ok(walk)
    }
}

/// A walk through all products.
#[derive(Debug, Default)]
struct Walk {
    seen: u64,
    for_sale: Vec<String>,
    last_page: String,
}

impl Walk {
    fn take(&mut self, page: &Value) -> Result<()> {
        for product in entries(page)? {
            self.seen += 1;
            let stock = product.get("stock").and_then(Value::as_u64);
            if stock > Some(0) {
                self.for_sale.push(member(product, "/id")?);
            }
        }
        Ok(())
    }
}

fn entries(page: &Value) -> Result<&Vec<Value>> {
    let entries = page.get("data").and_then(Value::as_array);
    entries.context("a page of a list")
}

fn ids(page: &Value) -> Result<Vec<String>> {
    entries(page)?
        .iter()
        .map(|entry| member(entry, "/id"))
        .collect()
}

fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64()
}

fn bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

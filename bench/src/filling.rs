//! What is in a shop before it is measured: products and customers, the same in each.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use ureq::{Agent, Body, RequestBuilder, http::Response, typestate::WithBody};

use crate::{agent::agent, server::Server};

/// A product is an adjective, a material and a thing: a thousand of them.
pub const ADJECTIVES: [&str; 10] = [
    "heavy", "light", "round", "square", "tall", "small", "striped", "plain", "folding", "antique",
];
/// What things are made of.
pub const MATERIALS: [&str; 10] = [
    "porcelain",
    "steel",
    "oak",
    "linen",
    "glass",
    "copper",
    "bamboo",
    "marble",
    "leather",
    "cork",
];
/// What is sold.
pub const THINGS: [&str; 10] = [
    "cup", "bowl", "lamp", "chair", "tray", "basket", "kettle", "clock", "vase", "board",
];

/// Enough that nothing is sold out.
pub const STOCK: u32 = 1_000_000;

/// Customers that log in and order: more than there are requests on their way in most measurements, for the shop lets one account
/// have one request at a time while others want the processor, and people order one thing after the other.
pub const ACCOUNTS: usize = 32;

/// What customers log in with.
pub const PASSWORD: &str = "Engine-No-1";

/// Access tokens last for 15 minutes; they are renewed before.
const TOKENS_LAST: Duration = Duration::from_secs(8 * 60);

/// The longest page of products.
const PAGE: usize = 100;

/// Somebody who talks to one shop.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    base_url: String,
}

impl Client {
    /// A client of that shop.
    pub fn new(base_url: &str) -> Self {
        Self {
            agent: agent(),
            base_url: base_url.to_owned(),
        }
    }

    /// The text of a path.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub fn get(&self, path: &str) -> Result<String> {
        let request = self.agent.get(format!("{}{path}", self.base_url));
        text(
            request
                .header("Accept", "text/plain, application/json")
                .call()?,
            path,
        )
    }

    /// Sends JSON and reads the JSON of the answer.
    ///
    /// # Errors
    /// When the answer is neither 200 nor 201.
    pub fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Value> {
        let request = self.request(path, token).content_type("application/json");
        let request = if key.is_empty() {
            request
        } else {
            request.header("Idempotency-Key", key)
        };
        let text = text(request.send(body.to_string())?, path)?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The JSON of a path, as who has that access token sees it.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub fn get_as(&self, path: &str, token: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base_url));
        let request = request.header("Authorization", format!("Bearer {token}"));
        Ok(serde_json::from_str(&text(request.call()?, path)?)?)
    }

    /// Changes what is there.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub fn patch(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let request = self.agent.patch(format!("{}{path}", self.base_url));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let answer = request
            .content_type("application/json")
            .send(body.to_string())?;
        Ok(serde_json::from_str(&text(answer, path)?)?)
    }

    /// Imports products.
    ///
    /// # Errors
    /// When they are not all new.
    pub fn import(&self, token: &str, csv: &str) -> Result<()> {
        let path = "/api/v1/products/import";
        let request = self.request(path, token).content_type("text/csv");
        let report: Value = serde_json::from_str(&text(request.send(csv)?, path)?)?;
        let created = report.get("created").and_then(Value::as_u64);
        let rows = csv.lines().count() as u64 - 1;
        ensure!(
            created == Some(rows),
            "not all {rows} products are new: {report}"
        );
        Ok(())
    }

    /// Logs in and gives the access token.
    ///
    /// # Errors
    /// When that fails.
    pub fn log_in(&self, email: &str, password: &str) -> Result<String> {
        let credentials = json!({ "email": email, "password": password });
        let session = self.post("/api/v1/auth/login", "", "", &credentials)?;
        member(&session, "/accessToken")
    }

    fn request(&self, path: &str, token: &str) -> RequestBuilder<WithBody> {
        let request = self.agent.post(format!("{}{path}", self.base_url));
        if token.is_empty() {
            return request;
        }
        request.header("Authorization", format!("Bearer {token}"))
    }
}

fn text(mut answer: Response<Body>, path: &str) -> Result<String> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string()?;
    ensure!(
        matches!(status, 200 | 201),
        "{path} was answered {status}: {text}"
    );
    Ok(text)
}

/// A text in JSON, by its pointer.
///
/// # Errors
/// When there is none.
pub fn member(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("no {pointer} in {value}"))?
        .to_owned())
}

/// A customer.
#[derive(Debug)]
pub struct Account {
    /// The address.
    pub email: String,
    /// The access token.
    pub token: String,
}

/// Products and customers of one shop.
#[derive(Debug)]
pub struct Filling {
    /// Talks to the shop.
    pub client: Client,
    /// The ids.
    pub products: Vec<String>,
    /// Those who log in and order.
    pub accounts: Vec<Account>,
    admin: (String, String),
    file: PathBuf,
    renewed: Instant,
}

impl Filling {
    /// Fills a shop. In one that is not new, what this run adds has names of its own.
    ///
    /// # Errors
    /// When the shop refuses something.
    pub fn new(server: &Server) -> Result<Self> {
        let client = Client::new(server.base_url());
        let (email, password) = server.admin();
        let run = std::process::id();
        client.import(&client.log_in(email, password)?, &catalogue(run))?;
        let mut accounts = Vec::new();
        for number in 0..ACCOUNTS {
            let email = format!("customer-{run}-{number}@mercato.bench");
            let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
            let session = client.post("/api/v1/auth/register", "", "", &body)?;
            let token = member(&session, "/accessToken")?;
            accounts.push(Account { email, token });
        }
        let filling = Self {
            products: products(&client)?,
            accounts,
            client,
            admin: (email.to_owned(), password.to_owned()),
            file: server.folder().join("data.lua"),
            renewed: Instant::now(),
        };
        filling.write()?;
        Ok(filling)
    }

    /// The file for wrk's scripts, with tokens that are good for the next minutes.
    ///
    /// # Errors
    /// When somebody cannot log in any more.
    pub fn file(&mut self) -> Result<&PathBuf> {
        if self.renewed.elapsed() > TOKENS_LAST {
            for account in &mut self.accounts {
                account.token = self.client.log_in(&account.email, PASSWORD)?;
            }
            self.renewed = Instant::now();
            self.write()?;
        }
        Ok(&self.file)
    }

    /// A new access token of the admin.
    ///
    /// # Errors
    /// When that fails.
    pub fn admin_token(&self) -> Result<String> {
        self.client.log_in(&self.admin.0, &self.admin.1)
    }

    /// What a customer logs in with.
    pub fn credentials(account: &Account) -> Value {
        json!({ "email": account.email, "password": PASSWORD })
    }

    fn write(&self) -> Result<()> {
        let mut text = "return {\n  accounts = {\n".to_owned();
        for Account { email, token } in &self.accounts {
            let fields = format!("email = {email:?}, password = {PASSWORD:?}, token = {token:?}");
            writeln!(text, "    {{ {fields} }},")?;
        }
        writeln!(text, "  }},\n  words = {{ {} }},", quoted(words()))?;
        let products = quoted(self.products.iter().map(String::as_str));
        writeln!(text, "  products = {{ {products} }},\n}}")?;
        fs::write(&self.file, text).context("cannot write the file for wrk's scripts")
    }
}

fn quoted<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = texts.map(|text| format!("{text:?}")).collect();
    quoted.join(", ")
}

/// What is searched for: each word has a tenth of the products.
fn words() -> impl Iterator<Item = &'static str> {
    ADJECTIVES.into_iter().chain(MATERIALS).chain(THINGS)
}

/// The first line of a file of products.
pub const CSV_HEADER: &str = "name,description,sku,price,stock\n";

fn catalogue(run: u32) -> String {
    let mut csv = CSV_HEADER.to_owned();
    for (adjective, hundred) in ADJECTIVES.iter().zip(0..) {
        for (material, ten) in MATERIALS.iter().zip(0..) {
            for (thing, one) in THINGS.iter().zip(0..) {
                let number = 100 * hundred + 10 * ten + one;
                csv += &row(
                    &format!("{adjective} {material} {thing}"),
                    &format!("B{run}-{number}"),
                    number,
                );
            }
        }
    }
    csv
}

/// A row of a file of products.
pub fn row(name: &str, sku: &str, number: u64) -> String {
    let price = format!("{}.{:02}", 1 + number % 99, number % 100);
    csv_row(name, sku, &price, STOCK)
}

/// A row of a file of products, with a price and a stock of its own.
pub fn csv_row(name: &str, sku: &str, price: &str, stock: u32) -> String {
    let description = "Made by hand, one at a time, and packed so that it arrives whole; returns are free for thirty days.";
    format!("{name},\"{description}\",{sku},{price},{stock}\n")
}

/// The ids of the newest products, as many as were imported.
fn products(client: &Client) -> Result<Vec<String>> {
    let count = ADJECTIVES.len() * MATERIALS.len() * THINGS.len();
    let mut ids = Vec::new();
    for page in 1..=count / PAGE {
        let text = client.get(&format!("/api/v1/products?limit={PAGE}&page={page}"))?;
        let page: Value = serde_json::from_str(&text)?;
        let products = page.get("data").and_then(Value::as_array);
        for product in products.context("a page of products")? {
            ids.push(member(product, "/id")?);
        }
    }
    ensure!(
        ids.len() == count,
        "there are {} products instead of {count}",
        ids.len()
    );
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_a_number_of_its_own() {
        let csv = catalogue(7);
        let numbers: Vec<_> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(",B7-").nth(1).unwrap())
            .collect();
        assert_eq!(numbers.len(), 1_000);
        assert!(numbers[437].starts_with("437,"), "{}", numbers[437]);
    }

    #[test]
    fn each_word_is_searched_for() {
        assert_eq!(words().count(), 30);
        assert_eq!(quoted(["a", "b"].into_iter()), "\"a\", \"b\"");
    }
}

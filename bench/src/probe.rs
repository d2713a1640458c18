//! What one of each kind costs in commits, found by doing it a few times one after the other.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{
    figures::median,
    filling::{Filling, member},
    server::Server,
    workload::Workload,
};

/// How often it is done. The first ones also warm the server up.
const TIMES: usize = 12;

/// Logs that have not grown for so long will not grow any more: events are handled by then.
const QUIET: Duration = Duration::from_millis(30);

/// What was written into the databases for one, medians.
#[derive(Debug, Clone, Copy)]
pub struct Writes {
    /// Transactions that wrote.
    pub commits: f64,
    /// Pages that they wrote into the write-ahead log.
    pub pages: f64,
}

/// Does it a few times; gives nothing of servers whose databases are out of sight.
///
/// # Errors
/// When an answer is not the expected one.
pub fn probe(server: &Server, filling: &Filling, workload: Workload) -> Result<Option<Writes>> {
    let (mut commits, mut pages) = (Vec::new(), Vec::new());
    for time in 0..TIMES {
        let before = server.logs();
        once(filling, workload, time)
            .with_context(|| format!("{}: {workload:?}", server.name()))?;
        if let Some(before) = before
            && let Some(added) = quiet(server).and_then(|after| after.since(&before))
        {
            commits.push(added.commits as f64);
            pages.push(added.pages as f64);
        }
    }
    let writes = median(commits).zip(median(pages));
    Ok(writes.map(|(commits, pages)| Writes { commits, pages }))
}

/// The logs when they do not grow any more.
fn quiet(server: &Server) -> Option<crate::wal::Logs> {
    let mut logs = server.logs()?;
    loop {
        thread::sleep(QUIET);
        let now = server.logs()?;
        if now == logs {
            return Some(now);
        }
        logs = now;
    }
}

fn once(filling: &Filling, workload: Workload, time: usize) -> Result<()> {
    let client = &filling.client;
    let of = |index: usize| index % filling.accounts.len().max(1);
    let account = filling
        .accounts
        .get(of(time))
        .context("there are customers")?;
    let product = filling.products.get(time).context("there are products")?;
    match workload {
        Workload::Greeting => client.get("/").map(drop),
        Workload::Product => client.get(&format!("/api/v1/products/{product}")).map(drop),
        Workload::List => client.get("/api/v1/products?limit=10").map(drop),
        Workload::Search => client.get("/api/v1/products?limit=10&q=cup").map(drop),
        Workload::Login => {
            let credentials = Filling::credentials(account);
            client
                .post("/api/v1/auth/login", "", "", &credentials)
                .map(drop)
        }
        Workload::Order | Workload::Purchase => {
            let order = json!({ "items": [{ "productId": product, "quantity": 1 }] });
            let key = format!("probe-{workload:?}-{}-{time}", std::process::id());
            let order = client.post("/api/v1/orders", &account.token, &key, &order)?;
            if workload == Workload::Purchase {
                let session = member(&order, "/paymentSession/id")?;
                let path = format!("/api/v1/payments/mock/checkout/{session}");
                client.post(&path, "", "", &json!({ "outcome": "succeed" }))?;
            }
            Ok(())
        }
        // The one is made of the others; rows go in by the hundred.
        Workload::Mix | Workload::Import => Ok(()),
    }
}

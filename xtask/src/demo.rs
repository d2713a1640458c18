//! `up --demo`: a shop that has something to show at its first start: an admin and a catalogue.
//!
//! The runner takes this program's place, so whatever is to happen when it answers is done by a child that is started
//! before: it waits for the shop, fills an empty catalogue over the API, like any other client, and says where to look.

use std::{
    env, fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{variables, workspace::Workspace};

/// Address of the demo's admin, unless the variables name another one.
const ADMIN_EMAIL: &str = "admin@mercato.local";

/// Where the runner listens unless it is told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

/// How long the shop may take until it answers: a first start compiles every component.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How often the shop is asked meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What a demo needs to fill the shop.
#[derive(Debug, Clone, clap::Args)]
pub struct Filling {
    /// Where the shop is, for example http://127.0.0.1:3000
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Variables file with admin_email and admin_password.
    #[arg(long, value_name = "FILE", default_value = ".mercato/variables.toml")]
    variables: std::path::PathBuf,
}

/// Makes the admin's password if there is none, prints it that one time, and starts the child that fills the shop.
///
/// # Errors
/// When the variables cannot be read or written, or the child cannot be started.
pub fn prepare(workspace: &Workspace, arguments: &[std::ffi::OsString]) -> Result<()> {
    let base_url = format!("http://{}", listen_address(arguments));
    if let Some(password) = variables::ensure_admin(workspace, ADMIN_EMAIL)? {
        eprintln!(
            "\nThe demo's admin, shown this once:\n\n  e-mail    {ADMIN_EMAIL}\n  password  {password}\n"
        );
    }
    let this_program = env::current_exe().context("cannot find the path of this program")?;
    Command::new(this_program)
        .current_dir(workspace.root())
        .args(["demo-fill", "--base-url", &base_url])
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start the program that fills the shop")?;
    Ok(())
}

/// The address after `--listen` among the runner's arguments.
fn listen_address(arguments: &[std::ffi::OsString]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    let beside = arguments.windows(2).filter_map(|pair| match pair {
        [name, value] if name == "--listen" => Some(value.to_string()),
        _ => None,
    });
    let joined = arguments
        .iter()
        .filter_map(|argument| argument.strip_prefix("--listen=").map(str::to_owned));
    beside
        .chain(joined)
        .last()
        .unwrap_or_else(|| DEFAULT_LISTEN.to_owned())
}

/// Waits for the shop, fills its catalogue when that is empty, and says which addresses are worth opening.
///
/// # Errors
/// When the shop does not become ready, the admin cannot log in, or a product is refused.
pub fn fill(workspace: &Workspace, filling: &Filling) -> Result<()> {
    let shop = Shop::new(&filling.base_url);
    shop.wait_until_ready()?;
    if shop.number_of_products()? == 0 {
        let variables = fs::read_to_string(&filling.variables)
            .with_context(|| format!("cannot read {}", filling.variables.display()))?;
        let token = shop.log_in(&variables.parse()?)?;
        let path = workspace.path("demo/catalogue.csv");
        let catalogue =
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        shop.import(&token, &catalogue)?;
    }
    let products = shop.number_of_products()?;
    let url = &filling.base_url;
    eprintln!(
        "\nThe shop is open, with {products} products.\n\n  \
         {url}/                          where to begin\n  \
         {url}/api/docs                  try the API in the browser\n  \
         {url}/api/v1/products?q=coffee  what customers see\n  \
         {url}/api/health/ready          whether everything is up\n"
    );
    Ok(())
}

/// The shop, as one of its clients.
struct Shop<'a> {
    base_url: &'a str,
    agent: ureq::Agent,
}

impl<'a> Shop<'a> {
    fn new(base_url: &'a str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_LIMIT))
            .build();
        Self {
            base_url: base_url.trim_end_matches('/'),
            agent: config.into(),
        }
    }

    /// Gives up, too, when the runner that this child belongs to has ended.
    fn wait_until_ready(&self) -> Result<()> {
        let (started, parent) = (Instant::now(), parent());
        while started.elapsed() < START_LIMIT {
            if parent != self::parent() {
                bail!("the shop has ended before it was ready");
            }
            let answer = self
                .agent
                .get(format!("{}/api/health/ready", self.base_url))
                .call();
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            thread::sleep(POLL_INTERVAL);
        }
        bail!(
            "{} is not ready after {} s: see its log",
            self.base_url,
            START_LIMIT.as_secs()
        )
    }

    fn number_of_products(&self) -> Result<u64> {
        let answer = self.agent.get(self.api("/products?limit=1")).call()?;
        let page = read(answer, 200)?;
        page.pointer("/meta/total")
            .and_then(Value::as_u64)
            .context("the list of products has no total")
    }

    fn log_in(&self, variables: &toml::Table) -> Result<String> {
        let variable = |name: &str| {
            variables
                .get(name)
                .and_then(toml::Value::as_str)
                .with_context(|| format!("{name} is not among the variables"))
        };
        let body =
            json!({ "email": variable("admin_email")?, "password": variable("admin_password")? });
        let answer = self
            .agent
            .post(self.api("/auth/login"))
            .content_type("application/json")
            .send(body.to_string())?;
        let session =
            read(answer, 200).context("the admin cannot log in: has the password been changed?")?;
        Ok(session
            .get("accessToken")
            .and_then(Value::as_str)
            .context("no token")?
            .to_owned())
    }

    fn import(&self, token: &str, catalogue: &[u8]) -> Result<()> {
        let answer = self
            .agent
            .post(self.api("/products/import"))
            .header("Authorization", format!("Bearer {token}"))
            .content_type("text/csv")
            .send(catalogue)?;
        let report = read(answer, 200)?;
        match report.get("failed").and_then(Value::as_array) {
            Some(failed) if failed.is_empty() => Ok(()),
            _ => bail!("products were refused: {report}"),
        }
    }

    fn api(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base_url)
    }
}

/// The JSON of an answer that has that status.
fn read(mut answer: ureq::http::Response<ureq::Body>, status: u16) -> Result<Value> {
    let text = answer.body_mut().read_to_string()?;
    if answer.status() != status {
        bail!("the shop answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).context("the shop did not answer JSON")
}

/// Whose child this is; it changes when that process ends.
#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Elsewhere nobody tells.
#[cfg(not(unix))]
fn parent() -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        listen_address(&arguments)
    }

    #[test]
    fn the_shop_is_where_the_runner_is_told_to_listen() {
        assert_eq!(address(&[]), DEFAULT_LISTEN);
        assert_eq!(address(&["--redis", "redis://r"]), DEFAULT_LISTEN);
        assert_eq!(address(&["--listen", "[::1]:80"]), "[::1]:80");
        assert_eq!(
            address(&["--listen=1.2.3.4:5", "--redis", "x"]),
            "1.2.3.4:5"
        );
    }

    #[test]
    fn the_catalogue_has_a_few_hundred_products_of_different_numbers() {
        let text = include_str!("../../demo/catalogue.csv");
        let mut numbers: Vec<_> = text
            .lines()
            .skip(1)
            .map(|line| line.rsplit(',').nth(2).unwrap())
            .collect();
        let rows = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert!(
            rows > 250 && numbers.len() == rows,
            "{rows} rows, {} numbers",
            numbers.len()
        );
    }
}

//! `up --demo`: a shop that has something to show at its first start: an admin and a catalogue.
//!
//! The runner takes this program's place, so whatever is to happen when it answers is done by a child that is started
//! before: it waits for the shop, fills an empty catalogue over the API, like any other client, and says where to look.

use std::{
    ffi::OsString,
    path::PathBuf,
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
/// How often it is asked meanwhile, and how long one answer may take.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What a demo needs to fill the shop.
#[derive(Debug, Clone, clap::Args)]
pub struct Filling {
    /// Where the shop is, for example http://127.0.0.1:3000
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Variables file with admin_email and admin_password.
    #[arg(long, value_name = "FILE", default_value = variables::FILE)]
    variables: PathBuf,
}

/// Makes the admin's password if there is none, prints it that one time, and starts the child that fills the shop.
pub fn prepare(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let base_url = format!("http://{}", listen_address(arguments));
    if let Some(password) = variables::ensure_admin(workspace, ADMIN_EMAIL)? {
        eprintln!(
            "\nThe demo's admin, shown this once:\n\n  e-mail    {ADMIN_EMAIL}\n  password  {password}\n"
        );
    }
    let fill = format!("demo-fill --base-url {base_url}");
    let fill = workspace.program(workspace.binary("xtask")?, &fill);
    // It goes on when the runner has taken this process's place.
    fill.stdin_null().start()?;
    Ok(())
}

/// The address after `--listen` among the runner's arguments.
fn listen_address(arguments: &[OsString]) -> String {
    let mut address = DEFAULT_LISTEN.to_owned();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if let Some(joined) = argument.strip_prefix("--listen=") {
            address = joined.to_owned();
        } else if argument == "--listen" {
            address = arguments.next().unwrap_or_default().into_owned();
        }
    }
    address
}

/// Waits for the shop, fills its catalogue when that is empty, and says which addresses are worth opening.
pub fn fill(workspace: &Workspace, filling: &Filling) -> Result<()> {
    let url = filling.base_url.trim_end_matches('/');
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_LIMIT))
        .build()
        .into();
    wait_until_ready(&agent, url)?;
    let api = |path: &str| format!("{url}/api/v1{path}");
    let number_of_products = || -> Result<u64> {
        let page = read(agent.get(api("/products?limit=1")).call()?)?;
        page.pointer("/meta/total")
            .and_then(Value::as_u64)
            .context("the list of products has no total")
    };
    if number_of_products()? == 0 {
        let variables = variables::read(&filling.variables)?;
        let [email, password] = ["admin_email", "admin_password"]
            .map(|name| variables.get(name).and_then(toml_edit::Item::as_str));
        let credentials = json!({ "email": email, "password": password });
        let log_in = agent
            .post(api("/auth/login"))
            .content_type("application/json");
        let session = read(log_in.send(credentials.to_string())?)
            .context("the admin cannot log in: has the password been changed?")?;
        let token = session.get("accessToken").and_then(Value::as_str);
        let token = token.context("no token")?;
        let report = agent
            .post(api("/products/import"))
            .header("Authorization", format!("Bearer {token}"))
            .content_type("text/csv")
            .send(workspace.read("demo/catalogue.csv")?)?;
        let report = read(report)?;
        if report.get("failed") != Some(&json!([])) {
            bail!("products were refused: {report}");
        }
    }
    let products = number_of_products()?;
    eprintln!(
        "\nThe shop is open, with {products} products.\n\n  \
         {url}/                          where to begin\n  \
         {url}/api/docs                  try the API in the browser\n  \
         {url}/api/v1/products?q=coffee  what customers see\n  \
         {url}/api/health/ready          whether everything is up\n"
    );
    Ok(())
}

/// Gives up, too, when the runner that this child belongs to has ended.
fn wait_until_ready(agent: &ureq::Agent, url: &str) -> Result<()> {
    let (started, parent) = (Instant::now(), parent());
    while started.elapsed() < START_LIMIT {
        if parent != self::parent() {
            bail!("the shop has ended before it was ready");
        }
        let answer = agent.get(format!("{url}/api/health/ready")).call();
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return Ok(());
        }
        thread::sleep(POLL_INTERVAL);
    }
    bail!(
        "{url} is not ready after {} s: see its log",
        START_LIMIT.as_secs()
    )
}

/// The JSON of an answer that has status 200.
fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let text = answer.body_mut().read_to_string()?;
    if answer.status() != 200 {
        bail!("the shop answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).context("the shop did not answer JSON")
}

/// Whose child this is; it changes when that process ends. Elsewhere than on Unix nobody says.
fn parent() -> Option<u32> {
    #[cfg(unix)]
    return Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_where_the_runner_is_told_to_listen() {
        for (arguments, address) in [
            (&[][..], DEFAULT_LISTEN),
            (&["--redis", "redis://r"], DEFAULT_LISTEN),
            (&["--listen", "[::1]:80"], "[::1]:80"),
            (&["--listen=1.2.3.4:5", "--redis", "x"], "1.2.3.4:5"),
        ] {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            assert_eq!(listen_address(&arguments), address);
        }
    }
}

//! Fills a new shop with something to show, over its API, like any other client: waits until it answers, sets
//! taxes, shipping and discount codes and imports a catalogue when it has none, and says where to look. `cargo xtask up --demo` starts it beside the runner.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};

const CATALOGUE: &str = include_str!("../catalogue.csv");

/// Categories: the path of the one that each is inside of, name and slug; those at the top first.
const CATEGORIES: [(&str, &str, &str); 14] = [
    ("", "Coffee", "coffee"),
    ("coffee", "Single origin", "single-origin"),
    ("coffee", "Blends", "blends"),
    ("coffee", "Brewing", "brewing"),
    ("", "Tea", "tea"),
    ("", "Kitchen", "kitchen"),
    ("", "Tableware", "tableware"),
    ("", "Home", "home"),
    ("", "Stationery", "stationery"),
    ("", "Plants", "plants"),
    ("", "Bags", "bags"),
    ("", "Games", "games"),
    ("", "Lighting", "lighting"),
    ("", "Care", "care"),
];

/// Taxes, shipping and discount codes.
const CHECKOUTS: &str = include_str!("../checkouts.json");

/// How long the shop may take until it answers: a first start compiles every component.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How often it is asked meanwhile, and how long one answer may take.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Statuses of a code that is new, and of one that is there already.
const CREATED: u16 = 201;
const CONFLICT: u16 = 409;

/// Fills a new shop with something to show.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the shop is, for example http://127.0.0.1:3000
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Variables file with admin_email and admin_password.
    #[arg(long, value_name = "FILE")]
    variables: PathBuf,
}

/// The admin, as the variables name them.
#[derive(Debug)]
struct Admin {
    admin_email: String,
    admin_password: String,
}

impl Admin {
    /// The admin of the environment or of the file; the environment goes first, as with the shop itself.
    fn named(file: &Path) -> Result<Self> {
        let variables = fs::read_to_string(file).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(String::new()),
            _ => Err(error),
        });
        let variables = variables.with_context(|| format!("cannot read {}", file.display()))?;
        // What is wrong is not told: the text has secrets in it.
        let mut variables: BTreeMap<String, toml::Value> =
            toml::from_str(&variables).map_err(|_| anyhow!("{} is not TOML", file.display()))?;
        let mut named = |name: &str| {
            let in_file = variables.remove(name);
            let in_file = in_file.and_then(|value| value.as_str().map(str::to_owned));
            let given = env::var(format!("SPIN_VARIABLE_{}", name.to_uppercase())).ok();
            given
                .or(in_file)
                .with_context(|| format!("the variables name no admin: {name} is missing"))
        };
        Ok(Self {
            admin_email: named("admin_email")?,
            admin_password: named("admin_password")?,
        })
    }
}

/// What checkouts go by, as the API takes it.
#[derive(Debug, Deserialize)]
struct Checkouts {
    taxes: Value,
    shipping: Value,
    codes: Vec<Value>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let url = arguments.base_url.trim_end_matches('/');
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
        let admin = Admin::named(&arguments.variables)?;
        let credentials = json!({ "email": admin.admin_email, "password": admin.admin_password });
        let log_in = agent
            .post(api("/auth/login"))
            .content_type("application/json");
        let session = read(log_in.send(credentials.to_string())?)
            .context("the admin cannot log in: has the password been changed?")?;
        let token = session.get("accessToken").and_then(Value::as_str);
        let token = token.context("no token")?;
        // The catalogue comes last: by it a shop is known that has everything.
        set_up_checkouts(&agent, &api("/checkouts"), token)?;
        make_categories(&agent, &api("/categories"), token)?;
        let report = agent
            .post(api("/products/import"))
            .header("Authorization", format!("Bearer {token}"))
            .content_type("text/csv")
            .send(CATALOGUE)?;
        let report = read(report)?;
        if report.get("failed") != Some(&json!([])) {
            bail!("products were refused: {report}");
        }
    }
    let products = number_of_products()?;
    let checkouts: Checkouts = serde_json::from_str(CHECKOUTS)?;
    let codes = checkouts.codes.iter();
    let codes: Vec<_> = codes
        .filter_map(|code| code.get("code")?.as_str())
        .collect();
    let codes = codes.join(", ");
    eprintln!(
        "\nThe shop is open, with {products} products; discount codes to try: {codes}.\n\n  \
         {url}/                          where to begin\n  \
         {url}/api/docs                  try the API in the browser\n  \
         {url}/api/v1/products?q=coffee  what customers see\n  \
         {url}/api/health/ready          whether everything is up\n"
    );
    Ok(())
}

/// Makes the categories that are not there.
fn make_categories(agent: &ureq::Agent, url: &str, token: &str) -> Result<()> {
    let bearer = format!("Bearer {token}");
    let known = read(agent.get(url).call()?)?;
    let known = known.get("data").and_then(Value::as_array);
    let mut ids: BTreeMap<String, Value> = BTreeMap::new();
    for category in known.into_iter().flatten() {
        if let (Some(path), Some(id)) = (category.get("path"), category.get("id")) {
            ids.insert(path.as_str().unwrap_or_default().to_owned(), id.clone());
        }
    }
    for (position, (parent, name, slug)) in CATEGORIES.into_iter().enumerate() {
        let path = match parent {
            "" => slug.to_owned(),
            parent => format!("{parent}/{slug}"),
        };
        if ids.contains_key(&path) {
            continue;
        }
        let parent = ids.get(parent).cloned().unwrap_or(Value::Null);
        let body = json!({ "name": name, "slug": slug, "parent": parent, "position": position });
        let post = agent
            .post(url)
            .header("Authorization", &bearer)
            .content_type("application/json");
        let mut answer = post.send(body.to_string())?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status().as_u16() != CREATED {
            bail!(
                "the category {path}: the shop answered {}: {text}",
                answer.status()
            );
        }
        let made: Value = serde_json::from_str(&text)?;
        ids.insert(path, made.get("id").cloned().unwrap_or_default());
    }
    Ok(())
}

/// Sets taxes and shipping, and makes the discount codes that are not there.
fn set_up_checkouts(agent: &ureq::Agent, url: &str, token: &str) -> Result<()> {
    let bearer = format!("Bearer {token}");
    let checkouts: Checkouts = serde_json::from_str(CHECKOUTS)?;
    for (name, settings) in [
        ("taxes", &checkouts.taxes),
        ("shipping", &checkouts.shipping),
    ] {
        let put = agent
            .put(format!("{url}/settings/{name}"))
            .header("Authorization", &bearer)
            .content_type("application/json");
        read(put.send(settings.to_string())?).with_context(|| format!("the {name}"))?;
    }
    for code in &checkouts.codes {
        let post = agent
            .post(format!("{url}/codes"))
            .header("Authorization", &bearer)
            .content_type("application/json");
        let mut answer = post.send(code.to_string())?;
        if !matches!(answer.status().as_u16(), CREATED | CONFLICT) {
            let text = answer.body_mut().read_to_string()?;
            bail!(
                "the code {code}: the shop answered {}: {text}",
                answer.status()
            );
        }
    }
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

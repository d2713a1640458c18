//! `up --demo`: a shop that has something to show at its first start: an admin and a catalogue.

use std::{
    env,
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;

use crate::{arguments, variables, workspace::Workspace};

/// Address of the demo's admin, unless the variables name another one.
const ADMIN_EMAIL: &str = "admin@mercato.local";
/// Where the runner listens unless it is told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

/// Makes an admin in that file of variables if there is none, prints the password that one time, and starts what fills the shop. The
/// runner takes this program's place, so that is a child, which waits until the shop answers.
pub fn prepare(workspace: &Workspace, file: &Path, arguments: &[OsString]) -> Result<()> {
    let listen = arguments::value_of(arguments, "--listen");
    let base_url = format!("http://{}", listen.as_deref().unwrap_or(DEFAULT_LISTEN));
    let given = [variables::ADMIN_EMAIL, variables::ADMIN_PASSWORD].map(|name| {
        let key = format!("SPIN_VARIABLE_{}", name.to_uppercase());
        let value = arguments::variable(arguments, name).or_else(|| env::var(&key).ok());
        value.map(|value| (key, value))
    });
    if given.iter().all(Option::is_none)
        && let Some(password) = variables::ensure_admin(file, ADMIN_EMAIL)?
    {
        eprintln!(
            "\nThe demo's admin, shown this once:\n\n  e-mail    {ADMIN_EMAIL}\n  password  {password}\n"
        );
    }
    let mut fill = Command::new(workspace.built("mercato-demo")?);
    fill.args(["--base-url", &base_url, "--variables"])
        .arg(file);
    // It goes on when the runner has taken this process's place.
    fill.envs(given.into_iter().flatten())
        .stdin(Stdio::null())
        .spawn()?;
    Ok(())
}

//! `up --demo`: a shop that has something to show at its first start: an admin and a catalogue.

use std::ffi::OsString;

use anyhow::Result;

use crate::{variables, workspace::Workspace};

/// Address of the demo's admin, unless the variables name another one.
const ADMIN_EMAIL: &str = "admin@mercato.local";
/// Where the runner listens unless it is told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

/// Makes the admin's password if there is none, prints it that one time, and starts what fills the shop. The runner takes
/// this program's place, so that is a child, which waits until the shop answers.
pub fn prepare(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let base_url = format!("http://{}", listen_address(arguments));
    if let Some(password) = variables::ensure_admin(workspace, ADMIN_EMAIL)? {
        eprintln!(
            "\nThe demo's admin, shown this once:\n\n  e-mail    {ADMIN_EMAIL}\n  password  {password}\n"
        );
    }
    let fill = format!("--base-url {base_url} --variables {}", variables::FILE);
    let fill = workspace.program(workspace.built("mercato-demo")?, &fill);
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

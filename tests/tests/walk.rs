//! The commands of the README's walk and of the examples in `docs/api.md` do what is said there.
#![cfg(unix)]

use std::{
    fs,
    process::{Command, Stdio},
};

use mercato_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Server, left_out, repository};

const SECTION: &str = "## A five-minute walk";

/// Where the walk expects the shop.
const ADDRESS: &str = "http://127.0.0.1:3000";

/// The commands of a section: its blocks that are fenced as `bash`, one after another.
fn commands_of(section: &str, text: &str) -> String {
    let (_, rest) = text
        .split_once(&format!("\n{section}\n"))
        .unwrap_or_else(|| panic!("there is no {section:?}"));
    let end = rest.find("\n## ").unwrap_or(rest.len());
    let commands = all_commands(&rest[..end]);
    assert!(!commands.is_empty(), "{section:?} has commands");
    commands
}

/// The commands of a whole text.
fn all_commands(text: &str) -> String {
    let blocks = text.split("```bash\n").skip(1);
    blocks
        .map(|block| {
            let (block, _) = block.split_once("\n```").expect("every block ends");
            format!("{block}\n")
        })
        .collect()
}

/// Runs commands in one bash; every one of them must succeed.
fn bash(commands: &str) -> String {
    let output = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{commands}")])
        .env("ADMIN_EMAIL", ADMIN_EMAIL)
        .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let (shown, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{}\n{shown}\n{errors}",
        output.status
    );
    shown.into_owned()
}

fn is_installed(program: &str) -> bool {
    let mut asked = Command::new(program);
    asked
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let found = asked.status().is_ok();
    if !found {
        left_out(&format!("there is no {program} on PATH"));
    }
    found
}

#[test]
fn the_walk_of_the_readme_ends_with_a_paid_order_that_lasts() {
    if !["bash", "curl", "jq"].into_iter().all(is_installed) {
        return;
    }
    let readme = fs::read_to_string(repository().join("README.md")).expect("the README");
    let mut server = Server::start();
    let commands = commands_of(SECTION, &readme);
    assert!(
        commands.contains(ADDRESS),
        "the walk names the shop's address"
    );
    let commands = commands.replace(ADDRESS, server.base_url());
    let shown = bash(&format!("{commands}\necho \"$ORDER_ID $ORDER_TOKEN\""));
    assert!(shown.contains("API Gateway is up and running!"), "{shown}");
    assert!(
        shown.contains("\"status\": \"SUCCEEDED\""),
        "the payment: {shown}"
    );
    assert!(shown.contains("\"status\": \"PAID\""), "the order: {shown}");
    assert!(
        !shown.contains("null\n") && !shown.contains("\"statusCode\""),
        "nothing failed on the way: {shown}"
    );

    let last = shown.lines().last().expect("a last line");
    let (order, token) = last.split_once(' ').expect("an order and a token");
    assert!(server.stop(), "the exit code is 0");
    server.restart();
    let answer = server
        .client()
        .get(&format!("/api/v1/orders/id/{order}"))
        .bearer(token)
        .send();
    assert_eq!(answer.expect(200).json()["status"], "PAID");
}

#[test]
fn the_examples_of_the_api_guide_answer_what_it_says() {
    if !["bash", "curl", "jq"].into_iter().all(is_installed) {
        return;
    }
    let guide = fs::read_to_string(repository().join("docs/api.md")).expect("the guide");
    let server = Server::start();
    let commands = all_commands(&guide);
    assert!(commands.contains(ADDRESS), "the guide names the address");
    let shown = bash(&commands.replace(ADDRESS, server.base_url()));
    for expected in [
        "\"https://mercato.dev/problems/validation\"",
        "\"Grace Hopper\"",
        "\"created\": 2",
        "\"line\": 4",
        "\"name\": \"Café crème cup\"",
        "\"stock\": 30",
        "\"status\": \"SUCCEEDED\"",
        "\"status\": \"PAID\"",
        "\"requested\": 1000",
        "\"refundedAmount\": 14.5",
    ] {
        assert!(shown.contains(expected), "no {expected} in {shown}");
    }
}

/// What stands on a command line, every user of the machine can see.
#[test]
fn no_document_puts_a_secret_on_a_command_line() {
    let manifest = fs::read_to_string(repository().join("spin.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let variables = manifest["variables"].as_table().expect("variables");
    let secrets = variables.iter().filter(|(_, variable)| {
        variable
            .get("secret")
            .is_some_and(|is| is.as_bool() == Some(true))
    });
    let secrets: Vec<_> = secrets.map(|(name, _)| name.as_str()).collect();
    assert!(secrets.contains(&"jwt_secret"));
    let docs = fs::read_dir(repository().join("docs")).expect("the documents");
    let docs = docs.map(|entry| entry.expect("a document").path());
    for path in docs.chain([repository().join("README.md")]) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for given in text.split("--variable").skip(1) {
            let given = given.trim_start_matches([' ', '=']);
            let Some((name, value)) = given.split_once('=') else {
                continue;
            };
            assert!(
                !secrets.contains(&name) || value.starts_with('@'),
                "{}: --variable {name}=",
                path.display()
            );
        }
    }
}

#[test]
fn only_bash_blocks_of_the_section_are_commands() {
    let text = "\n## A\n```bash\nno\n```\n## B\nwords\n```bash\none\ntwo\n```\n```console\nno\n```\n```bash\nthree\n```\n## C\n```bash\nno\n```\n";
    assert_eq!(commands_of("## B", text), "one\ntwo\nthree\n");
}

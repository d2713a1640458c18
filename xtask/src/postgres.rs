//! The application on PostgreSQL: the manifest and the compositions with another store, and nothing else.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    iter,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use mercato_platform::random;
use mercato_postgres_server::{Programs, Server, Settings, setup};
use toml_edit::{Array, DocumentMut, Value, value};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::{stripe::template, variant::Storage, workspace::Workspace};

/// How a composition closes the interface of the store that it does not use, and what closes that of the other one.
const CLOSED: [&str; 2] = ["new mercato:no-postgres ", "new mercato:no-sqlite "];

/// The packages that only close an interface: there is no code for them.
pub const CLOSING: [&str; 2] = ["no-postgres", "no-sqlite"];

/// The variables of the manifest beside the address of each database. The second server is for a standby that takes over.
const VARIABLES: [(&str, &str); 3] = [
    ("database_host", "postgres://127.0.0.1:5432"),
    ("database_standby_host", "postgres://127.0.0.1:5432"),
    ("database_ca_root", ""),
];

/// The folder of the server that `cargo xtask up --storage postgres` starts.
const FOLDER: &str = ".mercato/postgres";

/// Where it is when this is root: a folder for each checkout.
const FOLDER_OF_ROOT: &str = "/var/lib/mercato-postgres";

/// The length of the passwords that it gives to the roles.
const PASSWORD_BYTES: usize = 24;

/// A composition with each store; with none when it holds none.
pub fn compositions(source: String) -> Vec<(Option<Storage>, String)> {
    let [sqlite, postgres] = CLOSED;
    if !source.contains(sqlite) {
        return vec![(None, source)];
    }
    let on_postgres = source.replace(sqlite, postgres);
    vec![
        (Some(Storage::Postgres), on_postgres),
        (Some(Storage::Sqlite), source),
    ]
}

/// A component that exports the interface of the world of that name, every function of which traps: what closes an interface.
pub fn closing(workspace: &Workspace, name: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(workspace.path("wit"))?;
    let world = resolve.select_world(&[package], Some(name))?;
    let abi = ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync);
    let mut module = dummy_module(&resolve, world, abi);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module)?.encode()
}

/// Makes a manifest one with PostgreSQL. Each component is given the addresses of the databases that were granted to it, and no
/// others: each is of a role that reaches that database alone.
#[allow(clippy::indexing_slicing, reason = "what is missing is added")]
pub fn change(manifest: &mut DocumentMut) -> Result<()> {
    for (name, default) in VARIABLES {
        manifest["variables"][name] = value(declared(&format!("{{ default = {default:?} }}"))?);
    }
    for label in labels(manifest)? {
        let secret = declared("{ required = true, secret = true }")?;
        manifest["variables"][variable(&label)] = value(secret);
    }
    let components = manifest["component"].as_table_mut();
    for (_, component) in components
        .context("the manifest has no components")?
        .iter_mut()
    {
        let table = component.as_table_mut().context("a component is a table")?;
        let Some(labels) = table.remove("sqlite_databases") else {
            continue;
        };
        let addresses = strings(labels.as_array()).map(|label| variable(&label));
        let granted = addresses.chain(iter::once("database_ca_root".to_owned()));
        for name in granted {
            component["variables"][&name] = value(template(&name));
        }
        let hosts = component["allowed_outbound_hosts"].or_insert(value(Array::new()));
        let hosts = hosts.as_array_mut().context("hosts of a component")?;
        hosts.push(template("database_host"));
        hosts.push(template("database_standby_host"));
    }
    Ok(())
}

fn declared(text: &str) -> Result<Value> {
    Ok(text.parse()?)
}

/// The variable with the address of a database.
fn variable(label: &str) -> String {
    format!("{label}_database_url")
}

/// The databases of the application.
fn labels(manifest: &DocumentMut) -> Result<BTreeSet<String>> {
    let components = manifest.get("component").and_then(|all| all.as_table());
    let components = components.context("the manifest has no components")?.iter();
    let labels = components.flat_map(|(_, component)| {
        let labels = component.get("sqlite_databases");
        strings(labels.and_then(|labels| labels.as_array()))
    });
    Ok(labels.collect())
}

fn strings(array: Option<&Array>) -> impl Iterator<Item = String> {
    let values = array.into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned))
}

/// Prints what makes the roles and databases on a server, with passwords to put in.
pub fn print_setup(workspace: &Workspace) -> Result<()> {
    println!(
        "-- As a superuser, with psql. Put a password in place of each <…>; the address of each database goes into the variable"
    );
    println!("-- of its component: postgres://mercato_auth:<password>@host:5432/mercato_auth");
    for label in labels(&spin(workspace)?)? {
        println!("\n{}", setup(&label, &format!("<password of {label}>")));
    }
    Ok(())
}

fn spin(workspace: &Workspace) -> Result<DocumentMut> {
    workspace
        .read("spin.toml")?
        .parse()
        .context("spin.toml is not TOML")
}

/// The folder of the server of this checkout. PostgreSQL does not run as root, and the user that it is then started as does not
/// come to where the checkout is, in all likelihood.
fn folder(workspace: &Workspace) -> PathBuf {
    let own = workspace.path(FOLDER);
    if !mercato_postgres_server::needs_another_user() {
        return own;
    }
    let mut hasher = DefaultHasher::new();
    own.hash(&mut hasher);
    Path::new(FOLDER_OF_ROOT).join(format!("{:016x}", hasher.finish()))
}

/// Starts the server of this checkout, with new passwords for the roles. Gives the variables of the application that name its
/// databases.
pub fn start(workspace: &Workspace) -> Result<(Server, Vec<(String, String)>)> {
    let programs = Programs::find().with_context(Programs::advice)?;
    let folder = folder(workspace);
    let server = Settings::new(&folder).own_group().start(&programs)?;
    let host = format!("postgres://127.0.0.1:{}", server.port());
    let mut variables = vec![
        ("database_host".to_owned(), host.clone()),
        ("database_standby_host".to_owned(), host),
    ];
    for label in labels(&spin(workspace)?)? {
        let password = random::hex::<PASSWORD_BYTES>();
        variables.push((variable(&label), server.set_up(&label, &password)?));
    }
    Ok((server, variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIN: &str = include_str!("../../spin.toml");

    #[test]
    fn components_are_given_their_own_databases_and_no_others() {
        let original: DocumentMut = SPIN.parse().unwrap();
        let mut manifest = original.clone();
        change(&mut manifest).unwrap();
        let all = labels(&original).unwrap();
        for (name, component) in manifest["component"].as_table().unwrap() {
            assert!(component.get("sqlite_databases").is_none(), "{name}");
            let had = original["component"][name].get("sqlite_databases");
            let had: BTreeSet<_> = strings(had.and_then(|had| had.as_array())).collect();
            for label in &all {
                let given = component["variables"].get(variable(label)).is_some();
                assert_eq!(given, had.contains(label), "{name}: {label}");
            }
            let hosts = component.get("allowed_outbound_hosts");
            let hosts: Vec<_> = strings(hosts.and_then(|hosts| hosts.as_array())).collect();
            let reaches = hosts.contains(&template("database_host"));
            assert_eq!(reaches, !had.is_empty(), "{name}");
        }
        for label in all {
            let declared = &manifest["variables"][variable(&label)];
            assert_eq!(declared["secret"].as_bool(), Some(true), "{label}");
        }
    }

    #[test]
    fn compositions_without_a_store_are_the_same() {
        let without = "let a = new mercato:gateway { ... };".to_owned();
        assert_eq!(compositions(without.clone()), [(None, without)]);
        let with = "let a = new mercato:no-postgres { ... };".to_owned();
        let other = "let a = new mercato:no-sqlite { ... };".to_owned();
        let both = [
            (Some(Storage::Postgres), other),
            (Some(Storage::Sqlite), with.clone()),
        ];
        assert_eq!(compositions(with), both);
    }

    #[test]
    fn what_closes_an_interface_exports_it() {
        let workspace = Workspace::find().unwrap();
        for name in CLOSING {
            let component = closing(&workspace, name).unwrap();
            assert!(component.starts_with(b"\0asm"), "{name}");
        }
    }
}

//! The build script of every crate with a database: lists the files in `src/store/migrations`, which are SQLite's, and in the folder
//! `postgres` there, for `mercato_sql::migrations!`.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

const FOLDER: &str = "src/store/migrations";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let sqlite = list(FOLDER)?;
    let postgres = list(&format!("{FOLDER}/postgres"))?;
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(
        Path::new(&out).join("migrations.rs"),
        format!("Migrations {{\nsqlite: &[\n{sqlite}],\npostgres: &[\n{postgres}],\n}}\n"),
    )
}

fn list(folder: &str) -> io::Result<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.file_name().to_string_lossy().into_owned());
    }
    files.sort();
    let mut list = String::new();
    for name in files.iter().filter_map(|file| file.strip_suffix(".sql")) {
        let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{folder}/{name}.sql\")");
        writeln!(
            list,
            "mercato_sql::Migration {{ name: {name:?}, sql: include_str!({path}) }},"
        )
        .map_err(io::Error::other)?;
    }
    Ok(list)
}

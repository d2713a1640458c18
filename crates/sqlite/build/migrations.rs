//! The build script of every crate with a database: lists the files in `src/store/migrations` for `mercato_sqlite::migrations!`.

use std::path::Path;
use std::{env, fs, io};

const FOLDER: &str = "src/store/migrations";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        files.push(entry?.file_name().to_string_lossy().into_owned());
    }
    files.sort();
    let mut list = String::new();
    for name in files.iter().filter_map(|file| file.strip_suffix(".sql")) {
        let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{FOLDER}/{name}.sql\")");
        list += &format!("Migration {{ name: {name:?}, sql: include_str!({path}) }},\n");
    }
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(
        Path::new(&out).join("migrations.rs"),
        format!("&[\n{list}]\n"),
    )
}

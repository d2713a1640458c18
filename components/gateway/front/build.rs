//! Packs what the documentation page is made of: each file compressed as it is sent, with the tag it is sent under.

use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// What is taken out of Swagger UI's release; the rest of it is for other ways to use it.
const FROM_SWAGGER_UI: [&str; 3] = [
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
];

/// What is our own, in `assets/`.
const OWN: [&str; 3] = ["index.html", "initializer.js", "page.css"];

/// The document that the page shows, as it is checked in.
const DOCUMENT: &str = "../../../docs/openapi.json";

/// How much of a file's SHA-256 makes its tag, in bytes.
const TAG_BYTES: usize = 12;

fn main() -> Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is set by Cargo")?);
    let mut release = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let root = root_of(&release)?;
    for name in FROM_SWAGGER_UI {
        let mut file = release.by_name(&format!("{root}/dist/{name}"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        pack(&out, name, &bytes)?;
    }
    for name in OWN {
        pack_file(&out, name, &Path::new("assets").join(name))?;
    }
    pack_file(&out, "openapi.json", Path::new(DOCUMENT))?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// The folder that everything in the archive lies in; it is named after the version.
fn root_of(release: &ZipArchive<Cursor<&[u8]>>) -> Result<String> {
    let first = release
        .file_names()
        .next()
        .context("the archive is empty")?;
    let first = first?;
    let root = first.split('/').next().unwrap_or_default();
    Ok(root.to_owned())
}

fn pack_file(out: &Path, name: &str, path: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", path.display());
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    pack(out, name, &bytes)
}

fn pack(out: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
    let digest = Sha256::digest(bytes);
    let tag: String = digest
        .iter()
        .take(TAG_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(out.join(format!("{name}.tag")), tag)?;
    Ok(())
}

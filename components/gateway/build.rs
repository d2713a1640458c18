//! Packs what the documentation pages are made of: each file compressed as it is sent, with the tag it is sent under. What
//! the page loads has a name with its tag in it, so that it may be kept for good.

#[path = "build/guide.rs"]
mod guide;

use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use brotli::enc::BrotliEncoderParams;
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
const OWN: [&str; 5] = [
    "guide.css",
    "initializer.js",
    "page.css",
    "plugins.js",
    "walk.js",
];

/// The page itself, also in `assets/`.
const PAGE: &str = "index.html";

/// What stands around the guide, also in `assets/`.
const GUIDE_FRAME: &str = "guide.html";

/// The guide.
const GUIDE: &str = "../../docs/api.md";

/// Under which path the pages load files.
const PATH: &str = "/api/docs/";

/// The document that the page shows, as it is checked in.
const DOCUMENT: &str = "../../docs/openapi.json";

/// How much of a file's SHA-256 makes its tag, in bytes.
const TAG_BYTES: usize = 12;

fn main() -> Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is set by Cargo")?);
    let mut release = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let root = root_of(&release)?;
    let mut named = Vec::new();
    for name in FROM_SWAGGER_UI {
        let mut file = release.by_name(&format!("{root}/dist/{name}"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        named.push((name, pack(&out, name, &bytes)?));
    }
    for name in OWN {
        let bytes = read(&Path::new("assets").join(name))?;
        named.push((name, pack(&out, name, &bytes)?));
    }
    let page = String::from_utf8(read(&Path::new("assets").join(PAGE))?)?;
    pack(&out, PAGE, with_tags(&named, &page).as_bytes())?;
    let frame = String::from_utf8(read(&Path::new("assets").join(GUIDE_FRAME))?)?;
    let guide = guide::page(&String::from_utf8(read(Path::new(GUIDE))?)?, &frame)?;
    pack(&out, GUIDE_FRAME, with_tags(&named, &guide).as_bytes())?;
    pack(&out, "openapi.json", &read(Path::new(DOCUMENT))?)?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/guide.rs");
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

fn read(path: &Path) -> Result<Vec<u8>> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The page, loading each file under its name with the tag in it.
fn with_tags(named: &[(&str, String)], page: &str) -> String {
    named.iter().fold(page.to_owned(), |page, (name, tag)| {
        let plain = format!("\"{PATH}{name}\"");
        page.replace(&plain, &format!("\"{PATH}{}\"", tagged(name, tag)))
    })
}

/// `page.css` with the tag in it: `page.0123.css`.
fn tagged(name: &str, tag: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{tag}.{extension}"),
        None => format!("{name}.{tag}"),
    }
}

/// Writes the file's compressed forms, its tag and its name with the tag; gives the tag.
fn pack(out: &Path, name: &str, bytes: &[u8]) -> Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
    let mut packed = Vec::new();
    let parameters = BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut Cursor::new(bytes), &mut packed, &parameters)?;
    fs::write(out.join(format!("{name}.br")), packed)?;
    let digest = Sha256::digest(bytes);
    let tag: String = digest
        .iter()
        .take(TAG_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(out.join(format!("{name}.tag")), &tag)?;
    fs::write(out.join(format!("{name}.name")), tagged(name, &tag))?;
    Ok(tag)
}

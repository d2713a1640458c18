//! `build`: guests and boxes, only as far as they are out of date.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    compose::Composition,
    fingerprint::Fingerprint,
    process,
    provider::Provider,
    toolchain::{self, Toolchain},
    workspace::Workspace,
};

/// Folders whose content goes into guests.
const SOURCE_FOLDERS: &[&str] = &["components", "crates", "wit"];

/// Files that decide how guests are built, or go into them.
const SOURCE_FILES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "docs/api.md",
    "docs/openapi.json",
];

/// Which boxes to build.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only those of the application with this provider.
    pub provider: Option<Provider>,
    /// Only the one of this name.
    pub name: Option<&'a str>,
}

impl Selection<'_> {
    /// Every box, with every provider.
    pub const ALL: Self = Self {
        provider: None,
        name: None,
    };

    /// The application with this provider.
    pub const fn with(provider: Provider) -> Self {
        Self {
            provider: Some(provider),
            name: None,
        }
    }
}

/// Builds the boxes that were selected; does nothing when nothing has changed.
///
/// # Errors
/// When there is no such box, no toolchain, or something does not compile or compose.
pub fn build(workspace: &Workspace, selection: Selection<'_>) -> Result<()> {
    let boxes = selected(workspace, selection)?;
    let toolchain = Toolchain::find(workspace)?;
    let sources = source_fingerprint(workspace, &toolchain)?;
    let mut stale = Vec::new();
    for composition in &boxes {
        let stamp = Stamp::of(workspace, composition, &sources);
        if !stamp.is_current()? {
            stale.push((composition, stamp));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let started = Instant::now();
    build_guests(
        workspace,
        &toolchain,
        stale.iter().map(|(composition, _)| *composition),
    )?;
    for (composition, stamp) in &stale {
        let bytes = composition
            .compose(|guest| read_guest(workspace, guest))
            .with_context(|| format!("cannot compose {}", composition.name))?;
        replace(&stamp.artifact, &bytes)?;
        stamp.write()?;
    }
    let names: Vec<_> = stale
        .iter()
        .map(|(composition, _)| composition.shown_name())
        .collect();
    eprintln!(
        "Built {} in {:.1} s",
        names.join(", "),
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// The boxes to build.
fn selected(workspace: &Workspace, selection: Selection<'_>) -> Result<Vec<Composition>> {
    let boxes = boxes_with(workspace, selection.provider)?;
    let Some(wanted) = selection.name else {
        return Ok(boxes);
    };
    let names: Vec<_> = boxes
        .iter()
        .map(|composition| composition.name.clone())
        .collect();
    let chosen: Vec<_> = boxes
        .into_iter()
        .filter(|composition| composition.name == wanted)
        .collect();
    if chosen.is_empty() {
        bail!("there is no box `{wanted}`; there are {}", names.join(", "));
    }
    Ok(chosen)
}

/// The boxes of an application: the provider's own, and the common ones that it has not got its own of.
fn boxes_with(workspace: &Workspace, provider: Option<Provider>) -> Result<Vec<Composition>> {
    let read = |provider| Composition::read_all(&workspace.compositions(), provider);
    let Some(provider) = provider else {
        let all = Provider::ALL.map(read);
        return Ok(all
            .into_iter()
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect());
    };
    let mut boxes = read(provider)?;
    for common in read(Provider::Mock)? {
        if boxes.iter().all(|own| own.name != common.name) {
            boxes.push(common);
        }
    }
    Ok(boxes)
}

/// Runs Cargo for the guests of some boxes; Cargo itself knows which of them are fresh.
fn build_guests<'a>(
    workspace: &Workspace,
    toolchain: &Toolchain,
    boxes: impl Iterator<Item = &'a Composition>,
) -> Result<()> {
    let guests: BTreeSet<_> = boxes.flat_map(|composition| &composition.guests).collect();
    let mut cargo = toolchain.cargo_build(workspace)?;
    for guest in guests {
        cargo.args(["--package", guest]);
    }
    process::run(&mut cargo).context("the guests do not build")
}

fn read_guest(workspace: &Workspace, guest: &str) -> Result<Vec<u8>> {
    let path = guest_artifact(workspace, guest);
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Where Cargo puts a guest's component.
fn guest_artifact(workspace: &Workspace, guest: &str) -> PathBuf {
    workspace
        .guest_target()
        .join(toolchain::TARGET)
        .join("release")
        .join(format!("{}.wasm", guest.replace('-', "_")))
}

/// What all guests depend on: their sources, the compiler, and this program, which composes them.
fn source_fingerprint(workspace: &Workspace, toolchain: &Toolchain) -> Result<Fingerprint> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add_text(&toolchain.identity()?);
    fingerprint.add_text(env!("CARGO_PKG_VERSION"));
    for folder in SOURCE_FOLDERS {
        fingerprint.add_folder(&workspace.path(folder))?;
    }
    for file in SOURCE_FILES {
        fingerprint.add_file(&workspace.path(file))?;
    }
    Ok(fingerprint)
}

/// A box's artifact and the note beside it of what it was built from.
struct Stamp {
    artifact: PathBuf,
    note: PathBuf,
    sources: Fingerprint,
}

impl Stamp {
    fn of(workspace: &Workspace, composition: &Composition, sources: &Fingerprint) -> Self {
        let mut sources = sources.clone();
        sources.add_text(composition.source());
        let folder = workspace.boxes().join(composition.provider.folder());
        Self {
            artifact: folder.join(format!("{}.wasm", composition.name)),
            note: folder.join(format!(".{}.stamp", composition.name)),
            sources,
        }
    }

    /// The sources together with the artifact, so that a changed or lost artifact is noticed too.
    fn text(&self) -> Result<String> {
        let mut fingerprint = self.sources.clone();
        fingerprint.add_file(&self.artifact)?;
        Ok(fingerprint.finish())
    }

    fn is_current(&self) -> Result<bool> {
        let noted = fs::read_to_string(&self.note).unwrap_or_default();
        Ok(self.artifact.is_file() && noted == self.text()?)
    }

    fn write(&self) -> Result<()> {
        replace(&self.note, self.text()?.as_bytes())
    }
}

/// Writes a file so that nobody ever reads half of it, and leaves an identical one alone.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("an artifact has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

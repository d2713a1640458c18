//! Compiled components in files. A file is mapped into memory as it is: what is never used of it takes no memory, what is
//! used the system can drop and read again, and a start copies and unpacks nothing.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::one_line;

/// How the names of the files begin; the version of their format is wasmtime's affair.
const PREFIX: &str = "compiled-";
/// Where versions before this one kept what wasmtime had compiled.
const FORMER_FOLDER: &str = "modules";
/// What no start has used for so long is removed.
const UNUSED_TIME: Duration = Duration::from_hours(30 * 24);

/// The folder of the files; only their owner may write there.
pub(super) struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file for a component, whether it is there or not. Its name says for which engine, and of which component.
    pub(super) fn path(&self, engine: &Engine, wasm: &[u8]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let mut name = format!("{PREFIX}{:016x}-", hasher.finish());
        for byte in Sha256::digest(wasm) {
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(name)
    }

    /// Maps the file. None when it is missing or wasmtime does not take it.
    pub(super) fn load(&self, engine: &Engine, path: &Path) -> Option<Component> {
        let file = File::open(path).ok().filter(|file| !is_empty(file))?;
        match map(engine, path) {
            Ok(component) => {
                // Says that it is used. Without the right to do that it goes in the end, and is made again.
                let _ = file.set_modified(now());
                Some(component)
            }
            Err(cause) => {
                tracing::debug!(path = %path.display(), "a compiled component is not usable: {}", one_line(&format!("{cause:#}")));
                None
            }
        }
    }

    /// Writes the file as a whole or not at all, also when the machine goes down meanwhile.
    pub(super) fn save(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        let temporary = self.folder.join(format!(
            "{}.{}",
            path.file_name().unwrap_or_default().display(),
            std::process::id()
        ));
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(compiled).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // It may not even be there.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Removes what nobody has used for long, and what versions before this one have left.
    pub(super) fn remove_unused(&self) {
        // Whatever cannot be removed stays.
        let _ = fs::remove_dir_all(self.folder.join(FORMER_FOLDER));
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
            let used = entry.metadata().and_then(|metadata| metadata.modified());
            let is_old = used.is_ok_and(|used| {
                used.elapsed()
                    .is_ok_and(|unused_for| unused_for > UNUSED_TIME)
            });
            if is_ours && is_old {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the file system has its own times, whatever the shop's clock says"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Versions before this one have left empty files of the same names.
fn is_empty(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

/// wasmtime checks that a file was made by the same version of itself with the same settings, and for such a processor. That
/// its code does what the component's does it has to take on trust, as it does with files of its own cache.
#[expect(
    unsafe_code,
    reason = "there is no other way to map a file that wasmtime has compiled; only its owner can write in the folder, which is theirs alone, and whoever can may as well replace this program"
)]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `Artifacts::save` has put it there, complete, from the engine's own compiler, and nothing changes it.
    unsafe { Component::deserialize_file(engine, path) }
}

#[cfg(test)]
mod tests {
    use mercato_platform::ids::{Ids, RandomIds};

    use super::*;

    const EMPTY: &str = "(component)";

    struct Fixture {
        engine: Engine,
        artifacts: Artifacts,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("mercato-cwasm-{}", RandomIds.new_id()));
            fs::create_dir_all(&folder).unwrap();
            Self {
                engine: Engine::default(),
                artifacts: Artifacts::new(folder),
            }
        }

        fn save(&self) -> PathBuf {
            let compiled = self.engine.precompile_component(&empty()).unwrap();
            let path = self.artifacts.path(&self.engine, &empty());
            self.artifacts.save(&path, &compiled).unwrap();
            path
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.artifacts.folder);
        }
    }

    /// A component without anything in it: its magic number, version and layer.
    fn empty() -> Vec<u8> {
        b"\0asm\x0d\0\x01\0".to_vec()
    }

    #[test]
    fn what_is_saved_is_loaded_and_nothing_else_is_left() {
        let fixture = Fixture::new();
        let path = fixture.save();
        assert!(fixture.artifacts.load(&fixture.engine, &path).is_some());
        let files = fs::read_dir(&fixture.artifacts.folder).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn another_component_and_another_engine_have_another_file() {
        let fixture = Fixture::new();
        let path = |engine: &Engine, wasm: &[u8]| fixture.artifacts.path(engine, wasm);
        let own = path(&fixture.engine, &empty());
        assert_ne!(own, path(&fixture.engine, EMPTY.as_bytes()));
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = Engine::new(&config).unwrap();
        assert_ne!(own, path(&other, &empty()));
        fixture.save();
        assert!(fixture.artifacts.load(&other, &own).is_none());
    }

    #[test]
    fn a_file_that_is_missing_empty_or_cut_off_is_not_loaded() {
        let fixture = Fixture::new();
        let path = fixture.save();
        let whole = fs::read(&path).unwrap();
        let load = || fixture.artifacts.load(&fixture.engine, &path).is_some();
        for bytes in [&[][..], b"x", &whole[..whole.len() / 2]] {
            fs::write(&path, bytes).unwrap();
            assert!(!load(), "{} bytes", bytes.len());
        }
        fs::remove_file(&path).unwrap();
        assert!(!load());
    }

    #[test]
    fn what_was_not_used_for_long_is_removed() {
        let fixture = Fixture::new();
        let path = fixture.save();
        let folder = &fixture.artifacts.folder;
        let former = folder.join(FORMER_FOLDER);
        fs::create_dir(&former).unwrap();
        let foreign = folder.join("notes.txt");
        fs::write(&foreign, "mine").unwrap();
        fixture.artifacts.remove_unused();
        assert!(path.exists() && !former.exists());
        let long_ago = now() - UNUSED_TIME - Duration::from_secs(60);
        for file in [&path, &foreign] {
            let file = File::options().append(true).open(file).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        // Whoever uses it keeps it.
        assert!(fixture.artifacts.load(&fixture.engine, &path).is_some());
        fixture.artifacts.remove_unused();
        assert!(path.exists());
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(long_ago).unwrap();
        fixture.artifacts.remove_unused();
        assert!(!path.exists() && foreign.exists());
    }
}

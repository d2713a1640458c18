//! A cheap answer to "has anything changed?": the names, sizes and times of files, not their contents.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context as _, Result};

/// A hash over everything that was added; compared only with one made by the same program.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint {
    hasher: DefaultHasher,
}

impl Fingerprint {
    /// Adds a text as it is.
    pub fn add_text(&mut self, text: &str) {
        text.hash(&mut self.hasher);
    }

    /// Adds a file's name, size and time, or that it is not there.
    ///
    /// # Errors
    /// When the file is there and cannot be looked at.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        path.hash(&mut self.hasher);
        if !path.exists() {
            return Ok(());
        }
        let metadata =
            fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        metadata.len().hash(&mut self.hasher);
        let modified = metadata.modified().ok();
        let nanoseconds = modified
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map(|age| age.as_nanos());
        nanoseconds.hash(&mut self.hasher);
        Ok(())
    }

    /// Adds every file under a folder, in the order of their names.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        for file in files_under(folder)? {
            self.add_file(&file)?;
        }
        Ok(())
    }

    /// The hash as text.
    pub fn finish(&self) -> String {
        format!("{:016x}", self.hasher.finish())
    }
}

/// Every file under a folder and its subfolders, sorted; none if there is no such folder.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder: &Path) -> String {
        let mut fingerprint = Fingerprint::default();
        fingerprint.add_folder(folder).unwrap();
        fingerprint.finish()
    }

    #[test]
    fn it_changes_with_a_file_and_only_then() {
        let folder =
            std::env::temp_dir().join(format!("mercato-fingerprint-{}", std::process::id()));
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(folder.join("inner/one"), "1").unwrap();
        let before = of(&folder);
        assert_eq!(before, of(&folder));
        fs::write(folder.join("inner/one"), "12").unwrap();
        let grown = of(&folder);
        assert_ne!(before, grown);
        fs::write(folder.join("two"), "").unwrap();
        assert_ne!(grown, of(&folder));
        fs::remove_dir_all(&folder).unwrap();
    }
}

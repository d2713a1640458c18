//! Files and folders that only their owner may read: databases hold the hashes of passwords, and the keys open everything.

use std::io;
use std::path::Path;

/// What is taken from the group and from others.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Lets whatever this process makes from now on be its owner's alone, also what SQLite and wasmtime make.
pub(crate) fn make_new_files_private() {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
    }
}

/// Makes a folder and those around it that are missing, for the owner alone.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes an empty file for the owner alone, unless there is one.
pub(crate) fn create_file(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Takes away what others may do with a file or folder of ours, such as one that an older version has made. A folder that
/// is everybody's, as `/tmp` is, stays so.
pub(crate) fn tighten(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        const EVERYBODYS: u32 = 0o1000;
        let Ok(metadata) = path.metadata() else {
            return;
        };
        let mode = metadata.mode();
        if mode & OTHERS == 0 || (metadata.is_dir() && mode & EVERYBODYS != 0) {
            return;
        }
        let own = std::fs::Permissions::from_mode(mode & 0o7777 & !OTHERS);
        let shown = format!("{:03o}", mode & 0o777);
        match std::fs::set_permissions(path, own) {
            Ok(()) => {
                tracing::info!(path = %path.display(), mode = shown, "others could reach this; now only its owner can");
            }
            Err(cause) => {
                tracing::warn!(path = %path.display(), mode = shown, "others can reach this, and it cannot be changed: {cause}");
            }
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use mercato_platform::ids::{Ids, RandomIds};

    use super::*;

    #[test]
    fn what_is_made_or_tightened_is_the_owners_alone() {
        let folder = std::env::temp_dir().join(format!("mercato-private-{}", RandomIds.new_id()));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let inner = folder.join("inner");
        create_folder(&inner).unwrap();
        assert_eq!((mode(&folder), mode(&inner)), (0o700, 0o700));
        let file = inner.join("file");
        create_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "kept").unwrap();
        create_file(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        for (path, lax, own) in [(&file, 0o664, 0o600), (&inner, 0o755, 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(lax)).unwrap();
            tighten(path);
            assert_eq!(mode(path), own);
        }
        tighten(&folder.join("missing"));
        fs::remove_dir_all(&folder).unwrap();
    }
}

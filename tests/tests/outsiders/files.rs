//! What another user of the machine can read.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use mercato_tests::{Folder, Server, shop::Shop, wait_until};

/// What the group and others may do.
const OTHERS: u32 = 0o077;

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    metadata.permissions().mode() & 0o777
}

/// Everything in a folder that others may do something with.
fn reachable(folder: &Path) -> Vec<(PathBuf, u32)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let modes = paths.map(|path| (path.clone(), mode(&path)));
    modes.filter(|(_, mode)| mode & OTHERS != 0).collect()
}

#[test]
fn only_the_owner_can_read_databases_whatever_the_umask() {
    let _alone = mercato_tests::load::alone();
    let folder = Folder::new("modes");
    let databases = folder.path().join("databases");
    let mut server = Server::builder().databases(&databases).umask("000").start();
    Shop::on(&server).customer();
    assert_eq!(mode(&databases), 0o700);
    let names = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
    assert!(names(&databases) > 4, "databases and their logs");
    assert_eq!(reachable(&databases), []);
    assert!(server.stop(), "the exit code is 0");

    // An older version has left them as the umask had it.
    let auth = databases.join("auth.db");
    fs::set_permissions(&auth, fs::Permissions::from_mode(0o666)).expect("another mode");
    server.restart();
    assert_eq!(reachable(&databases), []);
    wait_until("a line about it", || {
        let log = server.log();
        let mut lines = log.lines().filter(|line| line.contains("auth.db"));
        lines.any(|line| line.contains("\"666\"")).then_some(())
    });
}

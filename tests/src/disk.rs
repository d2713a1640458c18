//! A small disk, to be filled.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{Folder, left_out, wait_until};

/// Room for some hundred orders in SQLite.
const DISK_MEBIBYTES: u32 = 16;

/// What is written at a time to fill a disk: as little as SQLite writes.
const FILLING: [u8; 4096] = [0; 4096];

/// Says that this program may mount, in a namespace of its own.
const IN_NAMESPACE: &str = "MERCATO_TEST_IN_NAMESPACE";

/// A small disk of its own, in memory; taken away when dropped.
#[derive(Debug)]
pub struct Disk {
    /// Takes the disk away when its standard input ends, also when this program just goes away.
    holder: Child,
    folder: Folder,
}

impl Disk {
    /// None where this program may not mount.
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = Folder::new("disk");
        let steps = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$0\" && touch \"$0/mounted\" && cat; umount -l \"$0\"";
        let holder = Command::new("sh")
            .args(["-c", steps])
            .arg(folder.path())
            .arg(mebibytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut disk = Self { holder, folder };
        let is_mounted = wait_until("a disk, or none", || {
            let is_there = disk.folder.path().join("mounted").exists();
            let ended = disk.holder.try_wait().expect("look at the shell");
            (is_there || ended.is_some()).then_some(is_there)
        });
        is_mounted.then_some(disk)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no room.
    ///
    /// # Panics
    /// When no file can be made.
    pub fn fill(&self) {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("filling"))
            .expect("a file");
        while file.write_all(&FILLING).is_ok() {}
    }

    /// Takes away what [`Disk::fill`] has written.
    ///
    /// # Panics
    /// When it is not there.
    pub fn make_room(&self) {
        fs::remove_file(self.folder.path().join("filling")).expect("the file is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().ok();
    }
}

/// A disk for that test. Who is not root repeats the test as root of a namespace; where that cannot be done either, the
/// test is left out, and says so.
///
/// # Panics
/// When the repeated test fails.
pub fn disk(test: &str) -> Option<Disk> {
    disk_of(test, DISK_MEBIBYTES)
}

/// The same of another size, in MiB.
///
/// # Panics
/// When the repeated test fails.
pub fn disk_of(test: &str, mebibytes: u32) -> Option<Disk> {
    let disk = Disk::mount(mebibytes);
    if disk.is_some() || env::var_os(IN_NAMESPACE).is_some() {
        return Some(disk.expect("root of a namespace may mount"));
    }
    let can_unshare = Command::new("unshare").args(["-rm", "true"]).output();
    if !can_unshare.is_ok_and(|output| output.status.success()) {
        left_out("a full disk: this takes root, or `unshare -rm`, to mount a small disk");
        return None;
    }
    let repeated = Command::new("unshare")
        .arg("-rm")
        .arg(env::current_exe().expect("the path of the test program"))
        .args(["--exact", test, "--nocapture"])
        .env(IN_NAMESPACE, "1")
        .status();
    assert!(repeated.is_ok_and(|status| status.success()), "{test}");
    None
}

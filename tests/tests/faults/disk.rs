//! A full disk.

use std::{
    env, fs,
    io::Write as _,
    process::{Child, Command, Stdio},
};

use mercato_tests::{Folder, Server, is_quick, left_out, shop::Account, wait_until};

use crate::market::Market;

/// Room for some hundred orders.
const DISK_MEBIBYTES: u32 = 16;

const STOCK: u64 = 100_000;

/// What is written at a time to fill a disk: as little as SQLite writes.
const FILLING: [u8; 4096] = [0; 4096];

/// Says that this program may mount, in a namespace of its own.
const IN_NAMESPACE: &str = "MERCATO_TEST_IN_NAMESPACE";

/// A small disk of its own, in memory.
struct Disk {
    /// Takes the disk away when its standard input ends, also when this program just goes away.
    holder: Child,
    folder: Folder,
}

impl Disk {
    /// None where this program may not mount.
    fn mount() -> Option<Self> {
        let folder = Folder::new("disk");
        let steps = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$0\" && touch \"$0/mounted\" && cat; umount -l \"$0\"";
        let holder = Command::new("sh")
            .args(["-c", steps])
            .arg(folder.path())
            .arg(DISK_MEBIBYTES.to_string())
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

    fn fill(&self) {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("filling"))
            .expect("a file");
        while file.write_all(&FILLING).is_ok() {}
    }

    fn make_room(&self) {
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
fn disk(test: &str) -> Option<Disk> {
    let disk = Disk::mount();
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

fn read_everything(market: &Market, customer: &Account, order: &str) {
    let get = |path: &str| customer.get(path).send().expect(200);
    get("/api/v1/products?limit=3");
    get("/api/v1/orders");
    get(&format!("/api/v1/orders/id/{order}"));
    get(&format!("/api/v1/payments/order/{order}"));
    market
        .shop()
        .nobody()
        .get("/api/v1/products")
        .send()
        .expect(200);
}

#[test]
fn while_the_disk_is_full_purchases_are_refused_and_nothing_is_lost() {
    if is_quick() {
        return;
    }
    let Some(disk) = disk("disk::while_the_disk_is_full_purchases_are_refused_and_nothing_is_lost")
    else {
        return;
    };
    let mut server = Server::builder().databases(disk.folder.path()).start();
    let market = Market::new(&[&server], 4, STOCK);
    let (customer, product) = (market.shop().customer(), market.shop().product(1, 10));
    let paid = market.shop().paid_order(&customer, &product, 1);

    let mut report = market.trade_during(|| {
        market.wait_for_answers(20);
        disk.fill();
        market.wait_for_refusals(10);
        read_everything(&market, &customer, &paid.id);
        disk.make_room();
        market.wait_for_answers(20);
    });
    assert_eq!(report.unanswered, 0);
    report.expect_helpful_refusals();
    let log = server.log();
    assert!(log.contains("make room"), "it says what to do: {log}");
    market.settle(&mut report);

    // Now it is killed while there is no room, and starts again.
    report.add(market.trade_during(|| {
        market.wait_for_answers(20);
        disk.fill();
        market.wait_for_refusals(10);
        server.kill();
    }));
    server.restart();
    read_everything(&market, &customer, &paid.id);
    disk.make_room();
    market.settle(&mut report);
}

#[test]
fn a_shop_that_finds_a_full_disk_at_its_first_start_says_so() {
    let Some(disk) = disk("disk::a_shop_that_finds_a_full_disk_at_its_first_start_says_so") else {
        return;
    };
    disk.fill();
    let (status, said) = Server::builder()
        .databases(disk.folder.path())
        .fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("database `"), "{said}");
    assert!(said.contains("full; make room on its disk"), "{said}");
    assert!(!said.contains("panic"), "{said}");
}

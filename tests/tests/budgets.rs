//! What the shop may weigh: who makes a component larger, or an idle shop, has to raise a number here.

use std::{fs, thread, time::Duration};

use mercato_tests::{Server, repository, shop::Shop};

/// The largest size of each composed component, in KiB: about a tenth more than they had when this was set.
const COMPONENTS_KIB: [(&str, u64); 7] = [
    ("auth-api", 2_750),
    ("checkout-api", 3_400),
    ("gateway", 2_150),
    ("order-events", 4_650),
    ("orders-api", 6_300),
    ("payments-api", 3_100),
    ("products-api", 3_650),
];

/// The most memory that a shop has when it has sold something and then has nothing to do.
const IDLE_BYTES: u64 = 105_000_000;

/// The most memory that a shop has that has just been started and asked for nothing.
const STARTED_BYTES: u64 = 70_000_000;

/// How long a shop is left alone before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

#[test]
fn components_are_small() {
    let folder = repository().join("target/components");
    for (name, most_kib) in COMPONENTS_KIB {
        let size = fs::metadata(folder.join(format!("{name}.wasm"))).map(|file| file.len());
        let kib = size.expect("a built component").div_ceil(1_024);
        assert!(kib <= most_kib, "{name}: {kib} KiB, at most {most_kib}");
    }
    let known = COMPONENTS_KIB.map(|(name, _)| format!("{name}.wasm"));
    for file in fs::read_dir(folder).expect("the components").flatten() {
        let name = file.file_name().into_string().expect("a name");
        assert!(
            !name.ends_with(".wasm") || known.contains(&name),
            "{name} has no budget"
        );
    }
}

#[test]
fn an_idle_shop_takes_little_memory() {
    // Compiled components are there already: what compiling takes is another process's.
    drop(Server::start());
    let server = Server::start();
    let Some(started) = resident(&server) else {
        return;
    };
    assert!(started <= STARTED_BYTES, "{started} bytes after the start");
    let shop = Shop::on(&server);
    let customer = shop.customer();
    shop.buy(&customer, &shop.product(1, 1), 1);
    let idle = resident(&server).expect("the same system");
    assert!(idle <= IDLE_BYTES, "{idle} bytes after a purchase");
}

fn resident(server: &Server) -> Option<u64> {
    thread::sleep(REST);
    server.resident_memory_bytes()
}

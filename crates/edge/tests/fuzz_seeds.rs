//! The fuzzer's seeds, through the checks of the fuzzer, so that these compile and hold with every change of the library.
//! The fuzzer itself is a workspace of its own, because it needs another compiler.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a harness of tests"
)]

#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn every_seed_is_answered_well() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/request");
    fuzz::check_all(folder.as_ref());
}

//! The API, held against tools that no one here wrote: a linter, a generator of clients, a fuzzer, a browser; quotes as invoices, against
//! CEN's rules; forms of addresses, against a library.
//!
//! `cargo xtask tools` installs them in the versions that `tests/tools/` pins; the browser is the machine's own. What is
//! missing leaves tests out, unless `MERCATO_TEST_TOOLS` is `required`.

mod accessibility;
mod addresses;
mod checkout_page;
mod docs_page;
mod front_end;
mod invoices;
mod redocly;
mod schemathesis;
mod typescript;

/// The document as it is checked in.
fn document() -> std::path::PathBuf {
    mercato_tests::repository().join("docs/openapi.json")
}

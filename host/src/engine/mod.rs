//! Components: compiled, linked, and kept as instances for requests.

mod artifacts;
pub(crate) mod compiler;
pub(crate) mod file_pages;
pub(crate) mod guest;
pub(crate) mod linker;
pub(crate) mod memory;
pub(crate) mod pool;

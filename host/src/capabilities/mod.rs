//! What a guest can reach, a folder or file for each capability. The linker of a capability needs a view of its own state in the
//! store's data and of [`host_context`], as those of wasmtime's own crates do, and nothing else.

pub(crate) mod bindings;
pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod host_context;
pub(crate) mod http;
pub(crate) mod postgres;
pub(crate) mod random;
pub(crate) mod redis;
pub(crate) mod sqlite;
pub(crate) mod variables;
pub(crate) mod wasi;

//! What stands behind the ports.

mod catalogue;
mod random;
mod tables;

pub use catalogue::ComposedCatalogue;
pub use random::RandomSecrets;
pub use tables::Tables;

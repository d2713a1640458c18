use crate::domain::error::ProductError;
use crate::domain::listing::Stats;
use crate::ports::Store;

/// The state of the stock as a whole.
///
/// # Errors
/// [`ProductError::Store`].
pub fn stock_stats(store: &impl Store) -> Result<Stats, ProductError> {
    Ok(store.stats()?)
}

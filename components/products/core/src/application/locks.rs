//! What transactions of this database are about: the names of all that they read in order to change something.

pub use mercato_sql::Locks;

use mercato_kernel::{OrderId, ProductId};

use crate::domain::slug::Slug;
use crate::domain::values::Sku;

/// Products with their stock.
pub fn products(ids: impl IntoIterator<Item = ProductId>) -> Locks {
    Locks::ids("product", ids)
}

/// Numbers of products, which perhaps no product has.
pub fn skus<'a>(skus: impl IntoIterator<Item = &'a Sku>) -> Locks {
    Locks::names("sku", skus.into_iter().map(Sku::as_str))
}

/// Readable addresses of products, which perhaps no product has.
pub fn slugs<'a>(slugs: impl IntoIterator<Item = &'a Slug>) -> Locks {
    Locks::names("slug", slugs.into_iter().map(Slug::as_str))
}

/// The tree of categories, and which products are in them.
pub fn categories() -> Locks {
    Locks::name("categories", "")
}

/// The reservations of orders, also before there are any.
pub fn orders(ids: impl IntoIterator<Item = OrderId>) -> Locks {
    Locks::ids("order", ids)
}

/// The renewal of the words by which products are found.
pub fn words() -> Locks {
    Locks::name("words", "")
}

/// The removal of reservations that were given back.
pub fn purge() -> Locks {
    Locks::name("purge", "")
}

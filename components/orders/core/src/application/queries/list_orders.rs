//! Orders, by creation or by the last change.
//!
//! An order's id begins with the time it was asked for, so the order of the ids is the order of creation. Every index of
//! orders ends with the id, or with the last change and the id: a page by cursor is one search, however far down the list it
//! lies.

use mercato_kernel::{AccountId, Caller, Key, OrderId, Page, PageRequest, PageStart, named};
use utoipa::ToSchema;

use crate::domain::{OrderError, OrderNumber, OrderStatus, OrderView};
use crate::ports::{Ports, Store};

/// Which orders a list shows; absent conditions do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<OrderStatus>,
    /// Only of this customer.
    pub customer_id: Option<AccountId>,
    /// Only the one of this number.
    pub number: Option<OrderNumber>,
    /// Only those created later than that, in milliseconds since the Unix epoch.
    pub created_after: Option<u64>,
    /// Only those created earlier than that, in milliseconds since the Unix epoch.
    pub created_before: Option<u64>,
    /// Only those changed later than that, in milliseconds since the Unix epoch.
    pub updated_after: Option<u64>,
}

/// The orders of a list as they are named in the query; a minus turns them round.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr, ToSchema,
)]
#[allow(
    clippy::enum_variant_names,
    reason = "each says what comes first in the list"
)]
pub enum OrderSort {
    /// By creation, backwards.
    #[default]
    #[strum(serialize = "-createdAt")]
    #[schema(rename = "-createdAt")]
    NewestFirst,
    /// By creation.
    #[strum(serialize = "createdAt")]
    #[schema(rename = "createdAt")]
    OldestFirst,
    /// By the last change, backwards.
    #[strum(serialize = "-updatedAt")]
    #[schema(rename = "-updatedAt")]
    RecentlyUpdatedFirst,
    /// By the last change.
    #[strum(serialize = "updatedAt")]
    #[schema(rename = "updatedAt")]
    LongUnchangedFirst,
}

named!(OrderSort);

impl OrderSort {
    /// Whether the list is sorted by the last change, and not by creation.
    #[must_use]
    pub const fn is_by_update(self) -> bool {
        matches!(self, Self::RecentlyUpdatedFirst | Self::LongUnchangedFirst)
    }

    /// Whether what is latest comes first.
    #[must_use]
    pub const fn is_descending(self) -> bool {
        matches!(self, Self::NewestFirst | Self::RecentlyUpdatedFirst)
    }

    /// What a cursor of the list is for: its name and its order.
    const fn scope(self) -> &'static str {
        match self {
            Self::NewestFirst => "orders:-id",
            Self::OldestFirst => "orders:id",
            Self::RecentlyUpdatedFirst => "orders:-updatedAt",
            Self::LongUnchangedFirst => "orders:updatedAt",
        }
    }

    /// The place that the keys of a cursor name.
    fn place(self, keys: &[Key]) -> Option<Place> {
        let (updated_at, id) = match (self.is_by_update(), keys) {
            (false, [Key::Text(id)]) => (None, id),
            (true, [Key::Integer(updated_at), Key::Text(id)]) => {
                (Some(u64::try_from(*updated_at).ok()?), id)
            }
            _ => return None,
        };
        let id = OrderId::parse(id).ok()?;
        Some(Place { updated_at, id })
    }

    /// The keys of an order's place.
    fn keys(self, order: &OrderView) -> Vec<Key> {
        let id = Key::from(&*order.id.text());
        if self.is_by_update() {
            let updated_at = i64::try_from(order.updated_at).unwrap_or(i64::MAX);
            vec![updated_at.into(), id]
        } else {
            vec![id]
        }
    }
}

/// The place of an order in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its last change, in a list that is sorted by that.
    pub updated_at: Option<u64>,
    /// The order, which need not be there any more.
    pub id: OrderId,
}

/// One page. A customer sees only their own orders, whatever the filter says.
///
/// # Errors
/// [`OrderError::Invalid`] for a page that skips too many orders, or a cursor that no page of this list gave.
pub fn handle(
    ports: &impl Ports,
    caller: Caller,
    filter: OrderFilter,
    sort: OrderSort,
    request: &PageRequest,
) -> Result<Page<OrderView>, OrderError> {
    let (number, start): (u32, PageStart<Place>) = request
        .start(sort.scope(), |keys| sort.place(keys))
        .map_err(|error| OrderError::Invalid(vec![error]))?;
    let filter = match caller {
        Caller::Customer(id) => OrderFilter {
            customer_id: Some(id),
            ..filter
        },
        Caller::Admin(_) | Caller::System => filter,
    };
    let (orders, total) = ports
        .store()
        .read(|records| records.list(&filter, sort, &start, request.rows_to_read()))?;
    Ok(request.page(number, orders, total, sort.scope(), |last| sort.keys(last)))
}

//! The statements of a list of orders.
//!
//! Every list is one range of one index, in the index's order. A condition that must not make SQLite choose another index
//! stands behind a `+`, which takes it out of the choice (<https://sqlite.org/optoverview.html>, "Disqualifying WHERE clause
//! terms").

use mercato_kernel::{Named as _, PageStart, Total};
use mercato_sql::Value;

use super::key;
use crate::application::queries::list_orders::{OrderFilter, OrderSort, Place};

/// All columns of an order.
macro_rules! columns {
    () => {
        "
  id, customer_id, status, total_amount, total_items, currency,
  receipt_id, receipt_url, receipt_issued_at, paid_at, created_at, updated_at, version,
  payment_version, stock_returned, number, checkout_id"
    };
}

pub(super) use columns;

pub(super) const COLUMNS: &str = columns!();

/// An order's id has the time when it was made, which is read from the clock right after the order's time of creation.
/// They lie less than this apart, in milliseconds.
const ID_AND_CREATION_APART_MAX_MS: u64 = 60_000;

/// Which index a statement goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One that ends with the id.
    Ids,
    /// One that ends with the last change and the id.
    Updates,
}

/// Conditions of a statement with their values.
#[derive(Default)]
struct Conditions {
    terms: Vec<&'static str>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, term: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.terms.push(term);
            self.values.push(value.into());
        }
    }

    fn of(filter: &OrderFilter, way: Way) -> Self {
        let mut conditions = Self::default();
        let customer = filter.customer_id.map(key);
        let status = filter.status.map(|status| status.name());
        let number = filter.number.as_ref().map(|number| number.as_str());
        conditions.add("number = ?", number);
        conditions.add("customer_id = ?", customer);
        let is_narrowed = way == Way::Updates && filter.customer_id.is_some();
        let of_status = if is_narrowed {
            "+status = ?"
        } else {
            "status = ?"
        };
        conditions.add(of_status, status);
        let (created_after, created_before) = (filter.created_after, filter.created_before);
        if way == Way::Ids {
            let earliest = |ms: u64| id_of(ms.saturating_sub(ID_AND_CREATION_APART_MAX_MS));
            let latest = |ms: u64| id_of(ms.saturating_add(ID_AND_CREATION_APART_MAX_MS));
            conditions.add("id >= ?", created_after.map(earliest));
            conditions.add("id < ?", created_before.map(latest));
        }
        conditions.add("+created_at > ?", created_after);
        conditions.add("+created_at < ?", created_before);
        let changed_after = match way {
            Way::Ids => "+updated_at > ?",
            Way::Updates => "updated_at > ?",
        };
        conditions.add(changed_after, filter.updated_after);
        conditions
    }

    fn text(&self) -> String {
        if self.terms.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.terms.join(" AND "))
        }
    }
}

/// How the ids of that millisecond begin, and so what none before it reaches.
fn id_of(ms: u64) -> String {
    const BITS_48_MAX: u64 = (1 << 48) - 1;
    let ms = ms.min(BITS_48_MAX);
    format!("{:08x}-{:04x}", ms >> 16, ms & 0xffff)
}

/// The statement of one page. `are_few` says that not more orders match than are counted: these may be sorted.
pub(super) fn page_of(
    filter: &OrderFilter,
    sort: OrderSort,
    are_few: bool,
    start: &PageStart<Place>,
    limit: u32,
) -> (String, Vec<Value>) {
    let is_sorted = filter.updated_after.is_some() && are_few;
    let way = if sort.is_by_update() || is_sorted {
        Way::Updates
    } else {
        Way::Ids
    };
    let mut conditions = Conditions::of(filter, way);
    let is_descending = sort.is_descending();
    let offset = match start {
        PageStart::Offset(offset) => *offset,
        PageStart::After(Place {
            updated_at: None,
            id,
        }) => {
            let further = match (way, is_descending) {
                (Way::Ids, true) => "id < ?",
                (Way::Ids, false) => "id > ?",
                (Way::Updates, true) => "+id < ?",
                (Way::Updates, false) => "+id > ?",
            };
            conditions.add(further, Some(key(*id)));
            0
        }
        PageStart::After(Place {
            updated_at: Some(updated_at),
            id,
        }) => {
            let further = if is_descending {
                "(updated_at, id) < (?, ?)"
            } else {
                "(updated_at, id) > (?, ?)"
            };
            conditions.add(further, Some(*updated_at));
            conditions.values.push(key(*id));
            0
        }
    };
    let order = match (sort, way) {
        (OrderSort::NewestFirst, Way::Ids) => "id DESC",
        (OrderSort::NewestFirst, Way::Updates) => "+id DESC",
        (OrderSort::OldestFirst, Way::Ids) => "id",
        (OrderSort::OldestFirst, Way::Updates) => "+id",
        (OrderSort::RecentlyUpdatedFirst, _) => "updated_at DESC, id DESC",
        (OrderSort::LongUnchangedFirst, _) => "updated_at, id",
    };
    let page = format!(
        "{} ORDER BY {order} LIMIT ? OFFSET ? -- plan: a page of an index, or of few that were counted before\n",
        conditions.text()
    );
    let statement = match way {
        Way::Ids => format!("SELECT {COLUMNS} FROM orders{page}"),
        // The index has all that the page is chosen by: only the orders on it are looked up.
        Way::Updates => format!(
            "SELECT {COLUMNS} FROM orders WHERE id IN (SELECT id FROM orders{page}) ORDER BY {}",
            again(sort)
        ),
    };
    let mut values = conditions.values;
    values.extend([Value::from(limit), Value::from(offset)]);
    (statement, values)
}

/// The order of a page that has been chosen: no index is walked for it.
const fn again(sort: OrderSort) -> &'static str {
    match sort {
        OrderSort::NewestFirst => "+id DESC",
        OrderSort::OldestFirst => "+id",
        OrderSort::RecentlyUpdatedFirst => "+updated_at DESC, +id DESC",
        OrderSort::LongUnchangedFirst => "+updated_at, +id",
    }
}

/// Counts the orders of a filter in an index, as far as orders are counted.
pub(super) fn count_of(filter: &OrderFilter) -> (String, Vec<Value>) {
    let way = if filter.updated_after.is_some() {
        Way::Updates
    } else {
        Way::Ids
    };
    let conditions = Conditions::of(filter, way);
    let statement = format!(
        "SELECT COUNT(*) AS orders FROM (SELECT 1 FROM orders{} LIMIT ?) AS counted -- plan: no further than a total goes",
        conditions.text()
    );
    let mut values = conditions.values;
    values.push(Value::from(Total::LIMIT_ROWS));
    (statement, values)
}

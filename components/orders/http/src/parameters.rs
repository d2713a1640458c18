//! The parameters of the routes, for the OpenAPI document. The handlers read the same ones.
#![allow(
    dead_code,
    reason = "describes what is read from path, query and headers one by one"
)]

use mercato_edge::{Id, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::status::OrderStatusName;

/// Which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderId {
    /// The order's id.
    #[param(value_type = Id)]
    id: String,
}

/// Which order, where the path also stands for a status.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderIdInPlaceOfStatus {
    /// The order's id.
    #[param(value_type = Id, rename = "statusOrId")]
    id: String,
}

/// Which orders, where the path also stands for an id.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StatusInPlaceOfOrderId {
    /// Only orders of this status.
    #[param(rename = "statusOrId")]
    status: OrderStatusName,
}

/// Which orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Status {
    /// Only orders of this status.
    status: Option<OrderStatusName>,
}

/// The orders of a list as they are named in the query; a minus turns them round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = OrderSort)]
#[allow(
    clippy::enum_variant_names,
    reason = "each says what comes first in the list"
)]
pub enum SortName {
    /// Newest first; so it is without `sort`.
    #[schema(rename = "-createdAt")]
    NewestFirst,
    /// Oldest first.
    #[schema(rename = "createdAt")]
    OldestFirst,
    /// Changed last first.
    #[schema(rename = "-updatedAt")]
    RecentlyUpdatedFirst,
    /// Longest unchanged first.
    #[schema(rename = "updatedAt")]
    LongUnchangedFirst,
}

/// From when, which one, and in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Times {
    /// Only the order of that number, such as `M-7K3F-29QD`. Small letters, missing dashes and a missing `M` do not matter, nor do O, I and L for the digits
    /// that they look like.
    #[param(value_type = String, required = false, min_length = 8, max_length = 32)]
    number: Option<String>,
    /// Only orders created later than that.
    #[param(value_type = Timestamp, required = false)]
    created_after: Option<String>,
    /// Only orders created earlier than that.
    #[param(value_type = Timestamp, required = false)]
    created_before: Option<String>,
    /// Only orders changed later than that. Whoever asks again and again does so with some seconds of overlap: a change that is being
    /// made while the list is read has an earlier time and is seen later.
    #[param(value_type = Timestamp, required = false)]
    updated_after: Option<String>,
    /// The order of the list; a minus turns it round. Orders that are equal stand in the order of their ids.
    #[param(value_type = SortName, inline, required = false)]
    sort: Option<SortName>,
}

/// Whose orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Owner {
    /// Only orders of this account; for admins only, 400 for anybody else.
    #[param(value_type = Option<Id>, rename = "userId")]
    user_id: Option<String>,
}

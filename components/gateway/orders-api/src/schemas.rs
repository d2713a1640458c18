//! Schemas of what is written elsewhere, for the OpenAPI document: pages, problems with members of their own.
#![allow(dead_code, reason = "describes, holds nothing")]

use mercato_edge::{PageMeta, ProblemDocument};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::LineDocument;
use crate::resource::OrderResource;
use crate::status::OrderStatusName;

/// One page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderPage)]
pub struct PageDocument<'a> {
    /// Newest first.
    #[schema(max_items = 100)]
    data: Vec<OrderResource<'a>>,
    meta: PageMeta,
}

/// A problem that says what stands in the way of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderConflict)]
pub struct ConflictDocument<'a> {
    #[serde(flatten)]
    problem: ProblemDocument<'a>,
    /// With `lines-rejected`: every line that cannot be served. Nothing was ordered.
    #[schema(nullable = false)]
    lines: Option<Vec<LineDocument<'a>>>,
    /// With `too-many-open-orders` and `too-many-units-held`: what is allowed.
    #[schema(nullable = false, minimum = 1, example = 50)]
    limit: Option<u64>,
    /// With `invalid-transition`: the status the order has.
    #[schema(nullable = false)]
    from: Option<OrderStatusName>,
    /// With `invalid-transition`: the status it cannot get.
    #[schema(nullable = false)]
    to: Option<OrderStatusName>,
}

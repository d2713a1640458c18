//! Schemas of what is written elsewhere, for the OpenAPI document: pages, problems with members of their own.
#![allow(dead_code, reason = "describes, holds nothing")]

use mercato_edge::{Amount, Id, PageMeta, ProblemDocument};
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::{LineDocument, PricedLineDocument};
use crate::resource::OrderResource;
use crate::status::OrderStatusName;

/// One page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderPage)]
pub struct PageDocument<'a> {
    /// In the order that `sort` says.
    #[schema(max_items = 100)]
    data: Vec<OrderResource<'a>>,
    meta: PageMeta,
}

/// A problem that says what stands in the way of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderConflict)]
pub struct ConflictDocument<'a> {
    #[serde(flatten)]
    problem: ProblemDocument<'a>,
    /// With `lines-rejected`: every line that cannot be served. With `total-changed`: all lines as they are now. Nothing was
    /// ordered.
    #[schema(nullable = false)]
    lines: Option<Vec<ConflictLineDocument<'a>>>,
    /// With `total-changed`: what the order would cost.
    #[schema(value_type = Option<Amount>, nullable = false)]
    total: Option<Money>,
    /// With `total-changed`: what was expected.
    #[schema(value_type = Option<Amount>, nullable = false)]
    expected_total: Option<Money>,
    /// With `already-replaced`: the order that has taken the place.
    #[schema(value_type = Option<Id>, nullable = false)]
    replaced_by: Option<&'a str>,
    /// With `too-many-open-orders`, `too-many-units-held` and `too-many-orders`: what is allowed.
    #[schema(nullable = false, minimum = 1, example = 50)]
    limit: Option<u64>,
    /// With `invalid-transition`: the status the order has.
    #[schema(nullable = false)]
    from: Option<OrderStatusName>,
    /// With `invalid-transition`: the status it cannot get.
    #[schema(nullable = false)]
    to: Option<OrderStatusName>,
}

/// A line that a problem tells of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ConflictLine)]
pub enum ConflictLineDocument<'a> {
    /// With `lines-rejected`.
    Rejected(LineDocument<'a>),
    /// With `total-changed`.
    Priced(PricedLineDocument),
}

//! The parameters of the routes, for the OpenAPI document. The handlers read the same ones.
#![allow(
    dead_code,
    reason = "describes what is read from path, query and headers one by one"
)]

use mercato_edge::Id;
use utoipa::IntoParams;

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

/// Which page of the orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Number of the page, from 1. Far down a long list `after` is cheaper, and nothing is seen twice or missed.
    #[param(minimum = 1, maximum = 4_294_967_295_u64, default = 1, example = 1)]
    page: Option<u64>,
    /// Most orders on a page.
    #[param(minimum = 1, maximum = 100, default = 10, example = 10)]
    limit: Option<u32>,
    /// The `meta.next` of the page before, instead of `page`.
    #[param(min_length = 1, max_length = 4_096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// Which orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Status {
    /// Only orders of this status.
    status: Option<OrderStatusName>,
}

/// Whose orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Owner {
    /// Only orders of this account; for admins only, 400 for anybody else.
    #[param(value_type = Option<Id>, rename = "userId")]
    user_id: Option<String>,
}

/// What the client has already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatch {
    /// The `ETag` of the answer you have: 304 when nothing has changed since.
    #[param(nullable = false, rename = "If-None-Match", example = "\"2-1-0-0-1\"")]
    if_none_match: Option<String>,
}

/// What the client has seen.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of the order you have seen, only one: 412 when it has changed since.
    #[param(
        nullable = false,
        rename = "If-Match",
        pattern = "^[^,]*$",
        example = "\"2-1-0-0-1\""
    )]
    if_match: Option<String>,
}

/// What makes sending again safe.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A name of your choice for this request: the same request with the same key is answered as the first time, for
    /// 24 hours, also when the first answer got lost.
    #[param(
        nullable = false,
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]{1,255}$",
        example = "basket-7f3a"
    )]
    idempotency_key: Option<String>,
}

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

//! About which order a request is.

use mercato_edge::{Context, FieldError, Problem};
use mercato_kernel::OrderId;

/// The order that a parameter of the path names.
///
/// # Errors
/// 400 naming `id` when it is none.
pub fn order_id(context: &Context, parameter: &str) -> Result<OrderId, Problem> {
    OrderId::parse(context.param(parameter)).map_err(|error| {
        Problem::validation(vec![FieldError::new("id", "format", format!("id {error}"))])
    })
}

//! The parameters of the operations as the OpenAPI document describes them.

#![allow(dead_code, reason = "only their descriptions are used")]

use mercato_edge::Id;
use utoipa::IntoParams;

/// Which product.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProductPath {
    /// Identifier of the product.
    #[param(value_type = Id)]
    id: String,
}

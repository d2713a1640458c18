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

/// For which version a write is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of the version that the write is meant for; `*` for any.
    #[param(rename = "If-Match", value_type = String, required = false, example = "\"3-97\"")]
    if_match: Option<String>,
}

/// What the client has already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatch {
    /// The `ETag` of what the client has already: the answer is 304 when it is still that.
    #[param(rename = "If-None-Match", value_type = String, required = false, example = "\"3-97\"")]
    if_none_match: Option<String>,
}

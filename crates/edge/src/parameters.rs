//! Parameters that many routes have, for the OpenAPI document. The edge itself reads them.
#![allow(
    dead_code,
    reason = "describes what `Query::page` and the `Context` read"
)]

use utoipa::IntoParams;

/// Which page of a list: see [`Query::page`](crate::Query::page).
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Number of the page, from 1; the first one when neither it nor `after` is given. Skips 10,000 entries at most: go on with
    /// `after`, which is cheaper, and nothing is seen twice or missed.
    #[param(minimum = 1, maximum = 10_001)]
    page: Option<u64>,
    /// Most entries on a page.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// The `meta.next` of the page before, instead of `page`.
    #[param(min_length = 1, max_length = 4_096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// What the client has already; every GET of one resource honours it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatch {
    /// The `ETag` of the answer you have: 304 when nothing has changed since.
    #[param(nullable = false, rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// What the client has seen: see [`Context::expected_tag`](crate::Context::expected_tag).
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of what you have seen, or up to 8 of them; `*` for any: 412 when it is another one by now.
    #[param(nullable = false, rename = "If-Match")]
    if_match: Option<String>,
}

/// What makes sending again safe: see [`Context::idempotency_key`](crate::Context::idempotency_key).
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A name of your choice for this request: the same request with the same key is carried out once and answered as
    /// the first time, for 24 hours, also when the first answer got lost.
    #[param(
        nullable = false,
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]{1,255}$"
    )]
    idempotency_key: Option<String>,
}

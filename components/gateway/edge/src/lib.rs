//! What every REST adapter of Mercato shares: routing, the guard, validation, one format for errors, and the
//! headers that belong to every answer.
//!
//! An adapter is a table of [`Route`]s and one function per route:
//!
//! ```ignore
//! const ROUTES: &[Route] = &[
//!     route!(GET "/api/v1/products/{id}", Access::Optional, find),
//!     route!(POST "/api/v1/products", Access::Admin, create),
//! ];
//!
//! edge::serve!(ROUTES);
//! ```

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../../wit",
        world: "mercato:shop/edge",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

pub mod client;
mod context;
mod cors;
mod etag;
mod fields;
mod followed;
mod guard;
mod headers;
mod idempotency;
pub mod internal;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod outbox_lag;
mod page;
mod parameters;
mod payment_status;
mod problem;
mod query;
mod reply;
mod revocation;
mod router;
mod schemas;
mod server;
mod stream;

pub use context::{Body, Context, MAX_BODY_BYTES, unsupported_media_type};
pub use fields::{Draft, FieldError, Fields, FromJson};
pub use followed::{Followed, let_the_answer_go};
pub use guard::{Guard, NoGuard, Principal, Role, SignatureGuard, TokenGuard};
pub use idempotency::MAX_IDEMPOTENCY_KEY_CHARS;
pub use outbox_lag::OutboxLag;
pub use page::{
    DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, PageInfo, PageMeta, PageRequest, paged, paged_with,
};
pub use parameters::{IdempotencyKey, IfMatch, IfNoneMatch, PageParameters};
pub use payment_status::PaymentStatusName;
pub use problem::{Problem, ProblemDocument};
pub use query::Query;
pub use reply::Reply;
pub use revocation::RevocationList;
pub use router::{Access, BodyMode, Handler, HandlerFuture, Route};
pub use schemas::{Amount, Id, Price, Timestamp};
#[doc(hidden)]
pub use server::respond;
pub use server::serve;
pub use stream::BodyStream;

/// The methods an API uses.
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Base path of the API.
pub const BASE_PATH: &str = "/api/v1";

/// One row of a route table: `route!(GET "/api/v1/orders/{id}", Access::Bearer, find)`. With `stream MAX_BYTES` at its
/// end the body is not read beforehand: the handler takes it from [`Context::stream`] piece by piece.
#[macro_export]
macro_rules! route {
    ($method:ident $pattern:literal, $access:expr, $handler:path) => {
        $crate::route!(@row $method $pattern, $access, $handler, $crate::BodyMode::Whole)
    };
    ($method:ident $pattern:literal, $access:expr, $handler:path, stream $max_bytes:expr) => {
        $crate::route!(@row $method $pattern, $access, $handler, $crate::BodyMode::Stream { max_bytes: $max_bytes })
    };
    (@row $method:ident $pattern:literal, $access:expr, $handler:path, $body:expr) => {
        $crate::Route {
            method: $crate::Method::$method,
            pattern: $pattern,
            access: $access,
            body: $body,
            handler: |context| ::std::boxed::Box::pin($handler(context)),
        }
    };
}

/// Makes the component answer HTTP with that route table. With a second argument, an `async fn()` that runs when the
/// answer to a request that was not internal has been taken. `serve!(public ROUTES)` makes a box that verifies no tokens,
/// `serve!(own_sessions ROUTES)` one that verifies them and looks at their sessions itself.
#[macro_export]
macro_rules! serve {
    (public $routes:expr) => {
        $crate::serve!(@entry $routes, $crate::NoGuard, $crate::NOTHING);
    };
    (own_sessions $routes:expr) => {
        $crate::serve!(@entry $routes, $crate::SignatureGuard, $crate::NOTHING);
    };
    ($routes:expr) => {
        $crate::serve!(@entry $routes, $crate::TokenGuard, $crate::NOTHING);
    };
    ($routes:expr, $after:path) => {
        $crate::serve!(@entry $routes, $crate::TokenGuard, Some($after));
    };
    (@entry $routes:expr, $guard:expr, $after:expr) => {
        // Natively, for tests, there is nobody to export to (and no linker takes such symbol names).
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, unused_qualifications, missing_docs, reason = "generated entry point")]
        mod entry {
            use super::*;

            #[::spin_sdk::http_service]
            async fn handle(request: ::spin_sdk::http::Request) -> $crate::ServedResponse {
                $crate::serve($routes, &$guard, request, $after).await
            }
        }
    };
}

/// The answer as the SDK takes it.
pub type HttpResponse = http::Response<spin_sdk::http::FullBody<bytes::Bytes>>;

/// The answer and the work that follows it, as the SDK takes it.
pub type ServedResponse = http::Response<Followed>;

/// For adapters that have nothing to do after a request.
pub const NOTHING: Option<fn() -> std::future::Ready<()>> = None;

//! What every REST adapter of Mercato shares: routing, the guard, validation, one format for errors, and the
//! headers that belong to every answer.
//!
//! An adapter is a table of endpoints. An endpoint is a function whose declaration says where it is and who may call it, and
//! whose signature says what it reads and answers; the OpenAPI document is made of both:
//!
//! ```ignore
//! /// One product
//! #[endpoint(
//!     GET "/api/v1/products/{id}", access = Optional, tag = "Catalogue", id = "findProduct",
//!     returns = "The product",
//!     404 = "No such product, or deleted",
//! )]
//! pub async fn find(caller: Option<Caller>, Path(id): Path<ProductId>) -> Result<Tagged<ProductResource>, Problem> {
//!     …
//! }
//!
//! pub const ROUTES: &[Route] = &[FIND, …];
//!
//! mercato_edge::serve!(ROUTES);
//! ```
//!
//! What clients send is a struct with `#[body]` or `#[query]`, which reads and describes it by the same fields.

extern crate self as mercato_edge;

/// A route of tests: `route!(GET "/orders/{id}", Access::Bearer, find)`. A `POST` or `PATCH` takes JSON; with `body RULE` at its end a
/// route takes what that rule says.
#[cfg(test)]
macro_rules! route {
    ($method:ident $pattern:literal, $access:expr, $handler:path) => {
        $crate::route!($method $pattern, $access, $handler, body $crate::route!(@body $method))
    };
    ($method:ident $pattern:literal, $access:expr, $handler:path, body $body:expr) => {
        $crate::Route {
            method: $crate::Method::$method,
            pattern: $pattern,
            access: $access,
            body: $body,
            handler: |context| ::std::boxed::Box::pin($handler(context)),
            #[cfg(not(target_family = "wasm"))]
            describe: None,
        }
    };
    (@body POST) => { $crate::BodyRule::JSON };
    (@body PUT) => { $crate::BodyRule::JSON };
    (@body PATCH) => { $crate::BodyRule::JSON };
    (@body $method:ident) => { $crate::BodyRule::IGNORED };
}
#[cfg(test)]
pub(crate) use route;

mod accept;
mod admission;
mod answers;
mod arguments;
mod audit;
mod body;
pub mod client;
mod context;
mod cors;
mod decoding;
#[cfg(not(target_family = "wasm"))]
mod description;
pub mod encoding;
#[doc(hidden)]
pub mod endpoint;
mod etag;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod field_errors;
mod fields;
mod followed;
mod guard;
mod headers;
mod idempotency;
pub mod internal;
mod multipart;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod outbox_lag;
mod page;
mod problem;
mod query;
mod reply;
mod revocation;
mod router;
mod schemas;
mod server;
pub mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod story;
mod stream;
mod streamed;

pub use accept::{accepts, wants_html};
pub use answers::{
    Accepted, Created, Either, Json, Listed, Located, MovedPermanently, NoContent, Paged, Public,
    Recorded, Replayed, Secret, SeeOther, Tagged,
};
pub use arguments::{
    ClientAddress, ExpectedTag, ExpectedVersion, FromFields, FromQuery, GuestToken, IdempotencyKey,
    Path, PathParameter, Query, RawBody,
};
pub use audit::opened_session_of;
pub use body::{BodyMode, BodyRule, MAX_BODY_BYTES, unsupported_media_type};
pub use context::{Body, Context};
#[cfg(not(target_family = "wasm"))]
pub use description::Description;
pub use endpoint::{Answer, FromContext};
pub use etag::Tag;
pub use field_errors::MAX_LISTED_ERRORS;
pub use fields::{Draft, Fields};
pub use followed::{Followed, let_the_answer_go};
pub use guard::{Guard, NoGuard, Principal, Role, SignatureGuard, TokenGuard};
pub use idempotency::MAX_IDEMPOTENCY_KEY_CHARS;
pub use mercato_edge_macros::{body, endpoint, query};
pub use mercato_kernel::{
    DEFAULT_PAGE_LIMIT, FieldError, FromJson, FromText, GUEST_TOKEN_PREFIX, PAGE_LIMIT_MAX,
    PageRequest, Refusal,
};
pub use mercato_settings::Invalid as InvalidSetting;
pub use multipart::{FormPiece, MULTIPART, Multipart, PartHead};
pub use outbox_lag::OutboxLag;
pub use page::{FacetCount, PageLimit, PageMeta, PageNumber};
pub use problem::{Problem, ProblemDocument};
pub use query::QueryString;
pub use reply::Reply;
pub use revocation::RevocationList;
pub use router::{Access, Handler, HandlerFuture, Route};
pub use schemas::{Amount, Balance, CurrencyCode, Percent, Price, Timestamp};
#[doc(hidden)]
pub use server::respond;
pub use server::serve;
pub use settings::Ready;
pub use stream::BodyStream;
pub use streamed::{BodySender, ReplyBody, StreamedBody};

/// The methods an API uses.
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Base path of the API.
pub const BASE_PATH: &str = "/api/v1";

/// Makes the component answer HTTP with that route table. With a second argument, an `async fn()` that runs when the
/// answer to a request that was not internal has been taken. `serve!(public ROUTES)` makes a component that verifies no tokens,
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
pub type HttpResponse = http::Response<ReplyBody>;

/// The answer and the work that follows it, as the SDK takes it.
pub type ServedResponse = http::Response<Followed>;

/// For adapters that have nothing to do after a request.
pub const NOTHING: Option<fn() -> std::future::Ready<()>> = None;

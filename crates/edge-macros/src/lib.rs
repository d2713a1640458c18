//! The declarations of REST adapters: [`endpoint`] for what answers, [`body`] and [`query`] for what is read. Each of them says
//! once what the code does and what the OpenAPI document says, so that the two cannot differ.

mod endpoint;
mod request;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a function an endpoint. Beside the function stands a constant with its name in capitals, a `Route` for the
/// adapter's table.
///
/// ```ignore
/// /// One product
/// ///
/// /// A product of the catalogue.
/// #[endpoint(
///     GET "/api/v1/products/{id}", access = Optional, tag = "Catalogue", id = "findProduct",
///     returns = "The product",
///     404 = "No such product, or deleted",
/// )]
/// pub async fn find(caller: Option<Caller>, Path(id): Path<ProductId>) -> Result<Tagged<ProductResource>, Problem> {
///     …
/// }
/// ```
///
/// - The comment is the operation's summary (its first paragraph) and description.
/// - `access` is a variant of `Access`. An endpoint without `id` is internal: it is in no document and needs no texts.
/// - The arguments say what is read (`FromContext`): a query string that none of them reads must be empty. One of type `Context`
///   is the whole request, for an endpoint that needs more of it than the others read.
/// - The answer says its status and body (`Answer`); `returns` says what it means.
/// - `404 = "…"` is a problem; `409: Type = "…"` a problem with members of its own, or with a status below 400 another answer.
/// - `body = RULE` says what is taken as a body where no argument does; `describe = function` adds to the description what
///   cannot be said here.
#[proc_macro_attribute]
pub fn endpoint(declaration: TokenStream, function: TokenStream) -> TokenStream {
    let declaration = parse_macro_input!(declaration as endpoint::Declaration);
    let function = parse_macro_input!(function as syn::ItemFn);
    endpoint::expand(&declaration, &function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct a JSON object that clients send: `FromFields` reads it, and `ToSchema` describes it by the same fields.
///
/// Members are named in camel case. A field of type `Option` may be absent; it may be `null` only as `Option<Option<T>>`
/// (which tells both apart) or with `#[field(null)]` (which does not). A `Vec` has the `max_items` of its
/// `#[schema(…)]`: it is one of objects, or of values with `#[field(values)]`. `#[field(object)]` is an object inside
/// this one, and a `u32` with `minimum` and `maximum` is within them. `#[body(exclusive(one, other))]` names two fields
/// of which one at most may be given, `#[body(either(one, other))]` two of which exactly one must be; whatever else stands there goes
/// into `#[schema(…)]`.
#[proc_macro_attribute]
pub fn body(options: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::ItemStruct);
    request::body(options.into(), item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct the parameters of a query string: `FromQuery` reads it and describes it by the same fields.
///
/// Parameters are named in camel case, and every field is an `Option`, but for one marked `#[query(flatten)]`, which has
/// parameters of its own, or `#[query(admin)]`, which is known to admins alone. `Option<Vec<T>>` is a list with commas of at most
/// its `max_items`. `#[query(exclusive(one, other))]` names two parameters of which one at most may be given.
#[proc_macro_attribute]
pub fn query(options: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::ItemStruct);
    request::query(options.into(), item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

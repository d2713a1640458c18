//! The arguments of endpoints.

use bytes::Bytes;
use mercato_kernel::{
    AccountId, Caller, CheckoutId, EventId, FromText, OrderId, PaymentId, ProductId, SessionId,
};
use utoipa::ToSchema;
#[cfg(not(target_family = "wasm"))]
use utoipa::openapi::path::Parameter;

#[cfg(not(target_family = "wasm"))]
use crate::Description;
use crate::client;
use crate::etag::Tag;
use crate::{
    BodyRule, Context, Draft, FieldError, Fields, FromContext, GUEST_TOKEN_PREFIX, Json, Principal,
    Problem, QueryString,
};

/// A JSON object that clients send; `#[body]` implements it.
pub trait FromFields: Sized {
    /// The names of the members, in their order.
    const NAMES: &'static [&'static str];

    /// Takes the members out. What is wrong is noted, and what cannot be read has a placeholder.
    fn from_fields(fields: &mut Fields) -> Self;

    /// What all of these members say.
    fn draft(mut fields: Fields) -> Draft<Self> {
        let read = Self::from_fields(&mut fields);
        fields.draft(read)
    }
}

/// The parameters of a query string; `#[query]` implements it.
pub trait FromQuery: Sized {
    /// Takes the parameters out. What is wrong is noted.
    fn from_query(query: &mut QueryString) -> Self;

    /// What all of these parameters say.
    fn draft(mut query: QueryString) -> Draft<Self> {
        let read = Self::from_query(&mut query);
        query.draft(read)
    }

    /// The parameters, for the document.
    #[cfg(not(target_family = "wasm"))]
    fn parameters() -> Vec<Parameter>;
}

/// A query string that must be empty.
impl FromQuery for () {
    fn from_query(_: &mut QueryString) -> Self {}

    #[cfg(not(target_family = "wasm"))]
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }
}

/// What stands in a path.
pub trait PathParameter: FromText + ToSchema {
    /// What it means, for the document.
    const MEANING: &'static str;

    /// The name under which an error speaks of it; that of the path's parameter when there is none.
    const FIELD: Option<&'static str> = None;

    /// An example, where a reader would not guess one.
    const EXAMPLE: Option<&'static str> = None;
}

impl PathParameter for AccountId {
    const MEANING: &'static str = "The account's id.";
}

impl PathParameter for ProductId {
    const MEANING: &'static str = "The product's id.";
}

impl PathParameter for CheckoutId {
    const MEANING: &'static str = "The checkout's id.";
}

impl PathParameter for OrderId {
    const MEANING: &'static str = "The order's id.";
}

impl PathParameter for PaymentId {
    const MEANING: &'static str = "The payment's id.";
}

impl PathParameter for EventId {
    const MEANING: &'static str = "The event's id.";
}

impl PathParameter for SessionId {
    const MEANING: &'static str = "The session's id.";
}

/// What is read of a path that has this text as its parameter of that name.
///
/// # Errors
/// What is wrong with it.
pub fn from_path<T: PathParameter>(name: &str, text: &str) -> Result<T, Problem> {
    T::from_text(text).map_err(|(code, rest)| {
        let name = T::FIELD.unwrap_or(name);
        Problem::validation(vec![FieldError::new(name, code, format!("{name} {rest}"))])
    })
}

/// The one parameter of the path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: PathParameter> FromContext for Path<T> {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let Some((name, text)) = context.params.first() else {
            return Err(Problem::internal());
        };
        from_path(name, text).map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.path_parameter::<T>();
    }
}

/// The parameters of the query string.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: FromQuery> FromContext for Query<T> {
    const READS_QUERY: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        T::draft(context.query_string()).finish().map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        for parameter in T::parameters() {
            description.parameter(parameter);
        }
    }
}

/// For what a domain's rules can be checked of, though a part of it could not be read: see [`Draft::check`].
impl<T: FromQuery> FromContext for Draft<Query<T>> {
    const READS_QUERY: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let mut query = context.query_string();
        let read = T::from_query(&mut query);
        Ok(query.draft(Query(read)))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        Query::<T>::describe(description);
    }
}

impl<T: FromFields + ToSchema> FromContext for Json<T> {
    const BODY: Option<BodyRule> = Some(BodyRule::JSON);

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        T::draft(context.json()?).finish().map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.json_body::<T>();
    }
}

/// For what a domain's rules can be checked of, though a part of it could not be read: see [`Draft::check`].
impl<T: FromFields + ToSchema> FromContext for Draft<T> {
    const BODY: Option<BodyRule> = Some(BodyRule::JSON);

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.json().map(T::draft)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.json_body::<T>();
    }
}

/// A JSON body that may be absent: it is read as an empty object then.
impl<T: FromFields + ToSchema> FromContext for Option<Json<T>> {
    const BODY: Option<BodyRule> = Some(BodyRule::OPTIONAL_JSON);

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        if context.body().is_empty() {
            return Ok(None);
        }
        Json::from_context(context).await.map(Some)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.json_body::<T>();
        description.body_may_be_absent();
    }
}

/// What could be read or why it could not, for an endpoint that answers a refusal in a way of its own.
impl<T: FromContext> FromContext for Result<T, Problem> {
    const BODY: Option<BodyRule> = T::BODY;
    const READS_QUERY: bool = T::READS_QUERY;
    const NEEDS_CALLER: bool = T::NEEDS_CALLER;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        Ok(T::from_context(context).await)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        T::describe(description);
    }
}

/// The body as it came; its endpoint says what is taken.
#[derive(Debug, Clone)]
pub struct RawBody(pub Bytes);

impl FromContext for RawBody {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        Ok(Self(context.body.0.clone()))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

impl FromContext for Caller {
    const NEEDS_CALLER: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.caller()
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

impl FromContext for Option<Caller> {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        match context.principal {
            Some(_) => context.caller().map(Some),
            None => Ok(None),
        }
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

impl FromContext for Principal {
    const NEEDS_CALLER: bool = true;

    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.principal().cloned()
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// The token of a guest, if the request brings one; who holds it the endpoint finds out.
#[derive(Clone)]
pub struct GuestToken(pub Option<String>);

impl FromContext for GuestToken {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        let token = context.bearer_token()?;
        let of_guest = token.filter(|token| token.starts_with(GUEST_TOKEN_PREFIX));
        Ok(Self(of_guest.map(str::to_owned)))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// The client's address, if the host says one: see [`client::address`].
#[derive(Debug, Clone)]
pub struct ClientAddress(pub Option<String>);

impl FromContext for ClientAddress {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        client::address(context).await.map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

/// What the client has seen of the resource, by the tag in `If-Match`: see [`Context::expected_tag`].
#[derive(Debug, Clone, Copy)]
pub struct ExpectedTag(pub Option<Tag>);

impl FromContext for ExpectedTag {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.expected_tag().map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.if_match();
    }
}

/// The version that the client has seen, of a resource whose tag holds nothing else: see [`Context::expected_version`].
#[derive(Debug, Clone, Copy)]
pub struct ExpectedVersion(pub Option<u64>);

impl FromContext for ExpectedVersion {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.expected_version().map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.if_match();
    }
}

/// The name that makes sending the request again safe: see [`Context::idempotency_key`].
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

impl FromContext for IdempotencyKey {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        context.idempotency_key().map(Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description) {
        description.idempotency_key();
    }
}

//! What every operation of the OpenAPI document has in common. The document is made natively, never in a component.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, HeaderBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
    SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::{Access, BodyMode, FieldError, Method, ProblemDocument, Route};

/// Name of the security scheme.
const BEARER: &str = "bearer";

/// Answers that any operation may give, by status and description.
const ALWAYS: [(&str, &str); 2] = [
    ("500", "A fault of ours: quote the request id"),
    (
        "503",
        "Too busy at the moment: try again after Retry-After seconds",
    ),
];

/// What is wrong between a document and the routes it describes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A route that clients can reach is not described.
    #[error("{0} {1} is not in the document")]
    Undocumented(Method, &'static str),
    /// The document describes what no route answers.
    #[error("the document describes {0} {1}, which no route answers")]
    Unrouted(Method, String),
}

/// Completes the document of one adapter from its routes: who may call each operation, and the answers that the edge
/// itself gives.
///
/// # Errors
/// Every difference between the document and the routes.
pub fn complete(mut document: OpenApi, routes: &[Route]) -> Result<OpenApi, Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    for route in routes.iter().filter(|route| !is_internal(route)) {
        let item = document.paths.paths.get_mut(route.pattern);
        match item.and_then(|item| operation_mut(item, &route.method)) {
            Some(operation) => complete_operation(operation, route),
            None => mismatches.push(Mismatch::Undocumented(route.method.clone(), route.pattern)),
        }
    }
    for (path, item) in &mut document.paths.paths {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let is_routed = routes
                .iter()
                .any(|route| route.pattern == path && route.method == method);
            if !is_routed && operation_mut(item, &method).is_some() {
                mismatches.push(Mismatch::Unrouted(method, path.clone()));
            }
        }
    }
    if mismatches.is_empty() {
        Ok(document)
    } else {
        Err(mismatches)
    }
}

/// Adds what the operations refer to: the security scheme and the schema of problems.
pub fn add_shared_components(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The accessToken of a login or registration"))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    for (name, schema) in [
        (ProblemDocument::name(), ProblemDocument::schema()),
        (FieldError::name(), FieldError::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
}

/// Routes that only other components reach are nobody else's business.
#[must_use]
pub fn is_internal(route: &Route) -> bool {
    route.pattern.starts_with(crate::server::INTERNAL_PREFIX)
}

fn operation_mut<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn complete_operation(operation: &mut Operation, route: &Route) {
    operation.security = Some(security(route.access));
    let has_body = operation.request_body.is_some();
    let mut answers: Vec<(&str, &str)> = ALWAYS.to_vec();
    if has_body || operation.parameters.is_some() || route.pattern.contains('{') {
        answers.push((
            "400",
            "The request is malformed or breaks a rule; errors names each field",
        ));
    }
    if route.access != Access::Public {
        answers.push(("401", "No valid access token"));
    }
    if route.access == Access::Admin {
        answers.push(("403", "For admins only"));
    }
    if has_body {
        let largest = match route.body {
            BodyMode::Whole => crate::MAX_BODY_BYTES as u64,
            BodyMode::Stream { max_bytes } => max_bytes,
        };
        if largest > 0 {
            answers.push(("413", "The body is too large"));
        }
        answers.push(("415", "The body is of another content type"));
    }
    for (status, description) in answers {
        let known = &mut operation.responses.responses;
        known
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(problem(description)));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            complete_response(response);
        }
    }
    operation
        .parameters
        .get_or_insert_default()
        .push(request_id().into());
}

/// An answer described without a body is a problem when its status says so, and every answer has its request id.
fn complete_response(response: &mut Response) {
    response
        .headers
        .entry("X-Request-Id".to_owned())
        .or_insert_with(|| {
            HeaderBuilder::new()
                .schema(Some(text()))
                .description(Some("Ties the answer to the shop's log"))
                .build()
                .into()
        });
}

/// An answer that is a problem document.
#[must_use]
pub fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/problem+json",
            Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(schema))),
        )
        .build()
}

fn security(access: Access) -> Vec<SecurityRequirement> {
    let bearer = SecurityRequirement::new(BEARER, [] as [&str; 0]);
    match access {
        Access::Public => vec![],
        Access::Optional => vec![SecurityRequirement::default(), bearer],
        Access::Bearer | Access::Admin => vec![bearer],
    }
}

fn request_id() -> Parameter {
    ParameterBuilder::new()
        .name("X-Request-Id")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Comes back in the answer and stands in the log; another one is made when it is not well-formed"))
        .schema(Some(text()))
        .build()
}

fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

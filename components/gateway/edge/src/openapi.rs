//! What every operation of the OpenAPI document has in common. The document is made natively, never in a component.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::{
    Access, FieldError, MAX_BODY_BYTES, Method, Problem, ProblemDocument, Route, guard, stream,
    unsupported_media_type,
};

/// Name of the security scheme.
const BEARER: &str = "bearer";

/// Name of the security scheme of the operator's secret.
const METRICS: &str = "metrics";

/// The header that ties request, answer and log together.
const REQUEST_ID: &str = "X-Request-Id";

/// The path in examples that stand for all operations.
const EXAMPLE_PATH: &str = "/api/v1/orders";

/// The request id in examples.
const EXAMPLE_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The moment in examples.
const EXAMPLE_TIME: &str = "2026-03-01T09:30:00.000Z";

/// The headers that problems bring.
const HEADERS_OF_PROBLEMS: [(&str, Type, &str); 2] = [
    (
        "Retry-After",
        Type::Integer,
        "How long to wait before trying again, in seconds",
    ),
    (
        "WWW-Authenticate",
        Type::String,
        "How to say who asks (RFC 6750)",
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
    for route in routes.iter().filter(|route| is_described(route)) {
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

/// Adds what the operations refer to: the security scheme, problems, and the request id.
pub fn add_shared_components(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The accessToken of a login or registration"))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let metrics = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The value of the shop's variable metrics_token"))
        .build();
    components.add_security_scheme(METRICS, SecurityScheme::Http(metrics));
    for (name, schema) in [
        (ProblemDocument::name(), ProblemDocument::schema()),
        (FieldError::name(), FieldError::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    for shared in shared_problems() {
        let name = shared.name.to_owned();
        components.responses.insert(name, shared.response().into());
    }
    let meaning = "Ties the answer to the shop's log";
    components
        .headers
        .insert(REQUEST_ID.to_owned(), header(Type::String, meaning).into());
    components
        .parameters
        .insert(REQUEST_ID.to_owned(), request_id().into());
}

/// Routes that only other components reach are nobody else's business, and a path with a slash at its end only leads to
/// the one without.
fn is_described(route: &Route) -> bool {
    let is_internal = route.pattern.starts_with(crate::server::INTERNAL_PREFIX);
    let is_redirect = route.pattern.len() > 1 && route.pattern.ends_with('/');
    !is_internal && !is_redirect
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
    // A public route may ask for something else than an account's token.
    if route.access != Access::Public || operation.security.is_none() {
        operation.security = Some(security(route.access));
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            never_null(parameter);
            one_tag(parameter);
        }
    }
    for (status, response) in answers_of_the_edge(operation, route) {
        let known = &mut operation.responses.responses;
        known.entry(status.to_owned()).or_insert(response);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            add_request_id(response);
        }
    }
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::Ref(Ref::new(format!(
            "#/components/parameters/{REQUEST_ID}"
        ))));
}

/// A parameter that is not given is absent, not null, whatever the `Option` it is read into makes of it.
fn never_null(parameter: &mut Parameter) {
    let Some(RefOr::T(schema)) = &mut parameter.schema else {
        return;
    };
    if let Schema::Object(object) = schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
    if let Schema::OneOf(either) = schema {
        either.items.retain(|item| !is_null(item));
        if let [only] = either.items.as_slice() {
            parameter.schema = Some(only.clone());
        }
    }
}

/// Whoever writes knows one representation: `If-Match` names one tag in the document.
fn one_tag(parameter: &mut Parameter) {
    if parameter.name == "If-Match"
        && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
    {
        schema.pattern.get_or_insert_with(|| "^[^,]*$".to_owned());
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// What the edge itself may answer to an operation, by status.
fn answers_of_the_edge(
    operation: &Operation,
    route: &Route,
) -> Vec<(&'static str, RefOr<Response>)> {
    let has_body = operation.request_body.is_some();
    let may_give = |status: &str| match status {
        "401" => route.access != Access::Public,
        "403" => route.access == Access::Admin,
        "413" | "415" => has_body,
        _ => true,
    };
    shared_problems()
        .into_iter()
        .filter(|shared| may_give(shared.status))
        .map(|shared| match (shared.status, route.body.max_bytes()) {
            // The limit of this very route.
            ("413", max_bytes) if max_bytes != MAX_BODY_BYTES => {
                let shared = Shared {
                    example: stream::too_large(max_bytes),
                    ..shared
                };
                (shared.status, RefOr::T(shared.response()))
            }
            _ => (
                shared.status,
                RefOr::Ref(Ref::from_response_name(shared.name)),
            ),
        })
        .collect()
}

/// A problem that many operations answer: described once.
struct Shared {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    example: Problem,
}

fn shared_problems() -> [Shared; 7] {
    let unknown = FieldError::new("surprise", "unknown", "surprise is not known");
    let shared = |status, name, description, example| Shared {
        status,
        name,
        description,
        example,
    };
    [
        shared(
            "400",
            "Invalid",
            "The request is malformed or breaks a rule; errors names each field",
            Problem::validation(vec![unknown]),
        ),
        shared(
            "401",
            "Unauthorized",
            "No valid access token",
            guard::missing_token(),
        ),
        shared("403", "Forbidden", "For admins only", guard::admins_only()),
        shared(
            "413",
            "TooLarge",
            "The body is too large",
            stream::too_large(MAX_BODY_BYTES),
        ),
        shared(
            "415",
            "UnsupportedMediaType",
            "The body is of another content type, or packed in another way than with gzip",
            unsupported_media_type(&["application/json"]),
        ),
        shared(
            "500",
            "Fault",
            "A fault of ours: quote the request id",
            Problem::internal(),
        ),
        shared(
            "503",
            "Busy",
            "Too busy at the moment: try again after Retry-After seconds",
            Problem::unavailable("too busy at the moment: try again soon"),
        ),
    ]
}

impl Shared {
    /// The answer: a problem document, with an example and the headers that such a problem brings.
    fn response(&self) -> Response {
        let schema = Ref::from_schema_name(ProblemDocument::name());
        let example = self
            .example
            .document(EXAMPLE_PATH, EXAMPLE_ID, EXAMPLE_TIME);
        let content = ContentBuilder::new()
            .schema(Some(RefOr::<Schema>::Ref(schema)))
            .example(Some(example))
            .build();
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content("application/problem+json", content);
        for (name, schema_type, meaning) in HEADERS_OF_PROBLEMS {
            if self.example.headers().contains_key(name) {
                response = response.header(name, header(schema_type, meaning));
            }
        }
        let mut response = response.build();
        add_request_id(&mut response);
        response
    }
}

/// Every answer has its request id.
fn add_request_id(response: &mut Response) {
    let shared = RefOr::Ref(Ref::new(format!("#/components/headers/{REQUEST_ID}")));
    response
        .headers
        .entry(REQUEST_ID.to_owned())
        .or_insert(shared);
}

fn header(schema_type: Type, meaning: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(schema_type)))
        .description(Some(meaning))
        .build()
}

fn security(access: Access) -> Vec<SecurityRequirement> {
    let bearer = SecurityRequirement::new(BEARER, [] as [&str; 0]);
    match access {
        Access::Public => vec![],
        Access::Optional => vec![SecurityRequirement::default(), bearer],
        Access::Bearer | Access::Session | Access::Admin => vec![bearer],
    }
}

fn request_id() -> Parameter {
    ParameterBuilder::new()
        .name(REQUEST_ID)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Comes back in the answer and stands in the log; another one is made when it is not well-formed"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::openapi::path::{HttpMethod, OperationBuilder};
    use utoipa::openapi::request_body::RequestBodyBuilder;
    use utoipa::openapi::{InfoBuilder, PathsBuilder};

    use super::*;
    use crate::{BodyRule, Context, Reply};

    async fn unused(_: Context) -> Result<Reply, Problem> {
        Ok(Reply::no_content())
    }

    const ROUTES: &[Route] = &[
        crate::route!(GET "/tea", Access::Public, unused),
        crate::route!(GET "/tea/", Access::Public, unused),
        crate::route!(GET "/tea/{id}", Access::Optional, unused),
        crate::route!(POST "/tea", Access::Admin, unused),
        crate::route!(PATCH "/tea/{id}", Access::Bearer, unused, body BodyRule::required(&["text/tea"], 5)),
        crate::route!(GET "/internal/tea", Access::Public, unused),
    ];

    fn operation(path: &str, method: HttpMethod) -> (String, PathItem) {
        let mut operation = OperationBuilder::new()
            .response("200", ResponseBuilder::new().description("Tea").build());
        if method != HttpMethod::Get {
            operation = operation.request_body(Some(RequestBodyBuilder::new().build()));
        }
        (path.to_owned(), PathItem::new(method, operation))
    }

    fn described(operations: &[(&str, HttpMethod)]) -> OpenApi {
        let mut document = OpenApi::new(
            InfoBuilder::new().title("Tea").version("1").build(),
            PathsBuilder::new().build(),
        );
        for (path, method) in operations {
            let (path, item) = operation(path, method.clone());
            let known = document.paths.paths.entry(path).or_default();
            known.merge_operations(item);
        }
        document
    }

    fn completed() -> Value {
        let document = described(&[
            ("/tea", HttpMethod::Get),
            ("/tea", HttpMethod::Post),
            ("/tea/{id}", HttpMethod::Get),
            ("/tea/{id}", HttpMethod::Patch),
        ]);
        serde_json::to_value(complete(document, ROUTES).unwrap()).unwrap()
    }

    fn statuses(operation: &Value) -> Vec<&str> {
        let responses = operation["responses"].as_object().unwrap();
        responses.keys().map(String::as_str).collect()
    }

    #[test]
    fn every_operation_says_what_the_edge_may_answer() {
        let paths = &completed()["paths"];
        assert_eq!(
            statuses(&paths["/tea"]["get"]),
            ["200", "400", "500", "503"]
        );
        assert_eq!(
            statuses(&paths["/tea/{id}"]["get"]),
            ["200", "400", "401", "500", "503"]
        );
        assert_eq!(
            statuses(&paths["/tea"]["post"]),
            ["200", "400", "401", "403", "413", "415", "500", "503"]
        );
    }

    #[test]
    fn every_operation_says_who_may_call_it() {
        let paths = &completed()["paths"];
        let security = |path: &str, method: &str| paths[path][method]["security"].clone();
        assert_eq!(security("/tea", "get"), json!([]));
        assert_eq!(security("/tea", "post"), json!([{"bearer": []}]));
        assert_eq!(security("/tea/{id}", "get"), json!([{}, {"bearer": []}]));
        assert_eq!(security("/tea/{id}", "patch"), json!([{"bearer": []}]));
    }

    #[test]
    fn problems_have_examples_of_their_own_status_and_the_headers_they_bring() {
        for shared in shared_problems() {
            let response = serde_json::to_value(shared.response()).unwrap();
            let content = &response["content"]["application/problem+json"];
            assert_eq!(content["example"]["status"].to_string(), shared.status);
            let headers = response["headers"].as_object().unwrap();
            let names: Vec<&str> = headers.keys().map(String::as_str).collect();
            let expected = match shared.status {
                "401" => vec!["WWW-Authenticate", "X-Request-Id"],
                "503" => vec!["Retry-After", "X-Request-Id"],
                _ => vec!["X-Request-Id"],
            };
            assert_eq!(names, expected, "{}", shared.status);
        }
    }

    #[test]
    fn a_route_may_have_a_limit_of_its_own() {
        let paths = &completed()["paths"];
        let example = |path: &str, method: &str| {
            let answer = &paths[path][method]["responses"]["413"];
            answer["content"]["application/problem+json"]["example"]["detail"].clone()
        };
        let own = "the body must not be larger than 5 bytes";
        assert_eq!(example("/tea/{id}", "patch"), own);
        assert_eq!(
            example("/tea", "post"),
            Value::Null,
            "refers to the shared one"
        );
    }

    #[test]
    fn an_optional_parameter_is_absent_and_not_null() {
        let parameter = |schema: Value| {
            let described =
                json!({ "name": "q", "in": "query", "required": false, "schema": schema });
            let mut parameter: Parameter = serde_json::from_value(described).unwrap();
            never_null(&mut parameter);
            serde_json::to_value(parameter).unwrap()["schema"].clone()
        };
        let reference = json!({ "$ref": "#/components/schemas/Id" });
        for (schema, expected) in [
            (
                json!({ "type": ["string", "null"] }),
                json!({ "type": "string" }),
            ),
            (json!({ "type": "integer" }), json!({ "type": "integer" })),
            (
                json!({ "oneOf": [{ "type": "null" }, reference] }),
                reference.clone(),
            ),
        ] {
            assert_eq!(parameter(schema), expected);
        }
    }

    #[test]
    fn what_an_adapter_says_itself_stays() {
        let mut document = described(&[("/tea", HttpMethod::Get)]);
        let item = document.paths.paths.get_mut("/tea").unwrap();
        let operation = item.get.as_mut().unwrap();
        let own = ResponseBuilder::new().description("Out of tea").build();
        operation
            .responses
            .responses
            .insert("503".to_owned(), own.into());
        let document = complete(document, &ROUTES[..1]).unwrap();
        let document = serde_json::to_value(document).unwrap();
        let answer = &document["paths"]["/tea"]["get"]["responses"]["503"];
        assert_eq!(answer["description"], "Out of tea");
    }

    #[test]
    fn routes_and_document_must_agree() {
        let document = described(&[
            ("/tea", HttpMethod::Get),
            ("/coffee", HttpMethod::Get),
            ("/tea", HttpMethod::Delete),
        ]);
        let found = complete(document, &ROUTES[..3]).err().unwrap();
        assert_eq!(
            found,
            [
                Mismatch::Undocumented(Method::GET, "/tea/{id}"),
                Mismatch::Unrouted(Method::GET, "/coffee".to_owned()),
                Mismatch::Unrouted(Method::DELETE, "/tea".to_owned()),
            ]
        );
    }

    #[test]
    fn shared_components_are_there_to_be_referred_to() {
        let mut document = described(&[]);
        add_shared_components(&mut document);
        let document = serde_json::to_value(document).unwrap();
        let components = &document["components"];
        assert_eq!(components["securitySchemes"]["bearer"]["scheme"], "bearer");
        for name in ["Problem", "FieldError"] {
            assert!(components["schemas"][name].is_object(), "{name}");
        }
        let text = completed().to_string();
        let references = text.split("\"$ref\":\"#/components").skip(1);
        let mut found = 0;
        for reference in references {
            let pointer = reference.split('"').next().unwrap();
            assert!(components.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 0);
    }
}

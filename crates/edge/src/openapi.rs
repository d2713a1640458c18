//! What every operation of the OpenAPI document has in common. The document is made natively, never in a component.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::examples::{self, Examples};
use crate::{Access, Description, FieldError, HeaderMap, Method, ProblemDocument, Route};

/// Name of the security scheme.
const BEARER: &str = "bearer";

/// Name of the security scheme of the operator's secret.
const METRICS: &str = "metrics";

/// The header that ties request, answer and log together.
const REQUEST_ID: &str = "X-Request-Id";

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
    #[error("{0} {1} says nothing of itself: give its endpoint an id")]
    Undocumented(Method, &'static str),
    /// There is an example of what the document does not describe.
    #[error("there is an example of {0} {1}: {2}, which the document does not describe")]
    ExampleOfNothing(Method, &'static str, String),
}

/// The document of one adapter, from its routes and its examples: what each operation says of itself, who may call it, the
/// answers that the edge itself gives, and what requests and answers look like.
///
/// # Errors
/// Every route that says nothing of itself, and every example of what is not described.
pub fn document(routes: &[Route], mut examples: Examples) -> Result<OpenApi, Vec<Mismatch>> {
    let mut document = OpenApi::default();
    let schemas = &mut document.components.get_or_insert_default().schemas;
    let mut mismatches = Vec::new();
    for route in routes.iter().filter(|route| is_public(route)) {
        let Some(describe) = route.describe else {
            mismatches.push(Mismatch::Undocumented(route.method.clone(), route.pattern));
            continue;
        };
        let (mut operation, referred) = described(describe(), route);
        schemas.extend(referred);
        complete_operation(&mut operation, route);
        let put = examples.take(route).put_into(&mut operation, route);
        mismatches.extend(put.err());
        let item = document.paths.paths.entry(route.pattern.to_owned());
        *operation_mut(item.or_default(), &route.method) = Some(operation);
    }
    mismatches.extend(examples.rest());
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
fn is_public(route: &Route) -> bool {
    let is_internal = route.pattern.starts_with(crate::server::INTERNAL_PREFIX);
    let is_redirect = route.pattern.len() > 1 && route.pattern.ends_with('/');
    !is_internal && !is_redirect
}

/// What the route says of itself, with what follows from its method and path.
fn described(
    mut description: Description,
    route: &Route,
) -> (Operation, Vec<(String, RefOr<Schema>)>) {
    if description.is_tagged && route.method == Method::GET {
        description.if_none_match();
    }
    let (mut operation, schemas) = description.into_operation();
    let segments = route.pattern.split('/');
    let mut names = segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Path
            && parameter.name.is_empty()
        {
            parameter.name = names.next().unwrap_or_default().to_owned();
        }
    }
    (operation, schemas)
}

fn operation_mut<'a>(item: &'a mut PathItem, method: &Method) -> &'a mut Option<Operation> {
    match *method {
        Method::POST => &mut item.post,
        Method::PUT => &mut item.put,
        Method::PATCH => &mut item.patch,
        Method::DELETE => &mut item.delete,
        _ => &mut item.get,
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
        }
    }
    for (status, description) in examples::answers_of_the_edge(operation, route) {
        let headers = examples::headers_of(operation, route, status);
        let known = &mut operation.responses.responses;
        known
            .entry(status.as_str().to_owned())
            .or_insert_with(|| problem(description, &headers).into());
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

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// The answer that is a problem document, with the headers that such a problem brings.
fn problem(description: &str, headers: &HeaderMap) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    let content = ContentBuilder::new()
        .schema(Some(RefOr::<Schema>::Ref(schema)))
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content);
    for (name, schema_type, meaning) in HEADERS_OF_PROBLEMS {
        if headers.contains_key(name) {
            response = response.header(name, header(schema_type, meaning));
        }
    }
    response.build()
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
        Access::Optional | Access::Guest => vec![SecurityRequirement::default(), bearer],
        Access::GuestBearer
        | Access::GuestSession
        | Access::Bearer
        | Access::Session
        | Access::Admin => vec![bearer],
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
    use mercato_edge_macros::{body, endpoint};
    use mercato_kernel::OrderId;
    use serde::Serialize;
    use serde_json::{Value, json};
    use utoipa::ToSchema;

    use super::*;
    use crate::{
        BodyRule, ExpectedVersion, Json, NoContent, Path, Problem, RawBody, Reply, Tagged,
    };

    #[derive(Debug, Serialize, ToSchema)]
    struct Tea {
        grams: u32,
    }

    /// What is brewed.
    #[body]
    #[derive(Debug)]
    struct Brew {
        grams: u32,
    }

    /// All teas
    #[endpoint(GET "/tea", access = Public, tag = "Tea", id = "listTea", returns = "Tea")]
    async fn list() -> Result<Json<Tea>, Problem> {
        Ok(Json(Tea { grams: 3 }))
    }

    /// One tea
    ///
    /// Of all.
    #[endpoint(GET "/tea/{id}", access = Optional, tag = "Tea", id = "findTea", returns = "Tea")]
    async fn find(Path(_): Path<OrderId>) -> Result<Tagged<Tea>, Problem> {
        Ok(Tagged::new(Tea { grams: 3 }, 1))
    }

    /// Brew tea
    #[endpoint(POST "/tea", access = Admin, tag = "Tea", id = "brew", returns = "Tea", 415 = "Only leaves")]
    async fn brew(Json(brew): Json<Brew>) -> Result<Json<Tea>, Problem> {
        Ok(Json(Tea { grams: brew.grams }))
    }

    /// Pour tea
    #[endpoint(
        PATCH "/tea/{id}", access = Bearer, tag = "Tea", id = "pour", returns = "Done",
        body = BodyRule::required(&["text/tea"], 5), describe = describe,
    )]
    async fn pour(_: Path<OrderId>, _: ExpectedVersion, _: RawBody) -> Result<NoContent, Problem> {
        Ok(NoContent)
    }

    fn describe(description: &mut Description) {
        description.body_of_schema("text/tea", None, None);
    }

    #[endpoint(GET "/tea/", access = Public)]
    async fn redirect() -> Result<Reply, Problem> {
        Ok(Reply::text("tea"))
    }

    #[endpoint(GET "/internal/tea", access = Public)]
    async fn internal() -> Result<Reply, Problem> {
        Ok(Reply::text("tea"))
    }

    #[endpoint(GET "/pot", access = Public)]
    async fn undescribed() -> Result<Reply, Problem> {
        Ok(Reply::text("tea"))
    }

    const ROUTES: &[Route] = &[LIST, REDIRECT, FIND, BREW, POUR, INTERNAL];

    fn completed() -> Value {
        serde_json::to_value(document(ROUTES, Examples::default()).unwrap()).unwrap()
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
            ["200", "304", "400", "401", "500", "503"]
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
    fn problems_bring_the_headers_that_they_have() {
        let paths = &completed()["paths"];
        for (status, expected) in [
            ("401", vec!["WWW-Authenticate", "X-Request-Id"]),
            ("503", vec!["Retry-After", "X-Request-Id"]),
            ("500", vec!["X-Request-Id"]),
        ] {
            let response = &paths["/tea"]["post"]["responses"][status];
            let headers = response["headers"].as_object().unwrap();
            let names: Vec<&str> = headers.keys().map(String::as_str).collect();
            assert_eq!(names, expected, "{status}");
        }
    }

    #[test]
    fn problems_have_examples_of_that_very_operation() {
        let paths = &completed()["paths"];
        let example = |path: &str, method: &str, status: &str, code: &str| {
            let answer = &paths[path][method]["responses"][status];
            answer["content"]["application/problem+json"]["examples"][code]["value"].clone()
        };
        let too_large = example("/tea/{id}", "patch", "413", "payload-too-large");
        assert_eq!(
            too_large["detail"],
            "the body must not be larger than 5 bytes"
        );
        let malformed = example("/tea", "post", "400", "malformed-json");
        assert_eq!(
            (&malformed["status"], &malformed["instance"]),
            (&json!(400), &json!("/tea"))
        );
        for (path, method, status, code) in [
            ("/tea", "get", "400", "validation"),
            ("/tea", "post", "401", "unauthorized"),
            ("/tea", "post", "403", "forbidden"),
            ("/tea", "post", "400", "incomplete-body"),
            ("/tea", "post", "415", "unsupported-encoding"),
            ("/tea", "get", "500", "internal"),
            ("/tea", "get", "503", "unavailable"),
        ] {
            assert!(example(path, method, status, code).is_object(), "{code}");
        }
        assert_eq!(
            example("/tea/{id}", "patch", "400", "malformed-json"),
            Value::Null,
            "it takes no JSON"
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
    fn what_an_endpoint_says_itself_stays() {
        let answer = completed()["paths"]["/tea"]["post"]["responses"]["415"].clone();
        assert_eq!(answer["description"], "Only leaves");
    }

    #[test]
    fn an_operation_is_what_its_signature_says() {
        let document = completed();
        let find = &document["paths"]["/tea/{id}"]["get"];
        assert_eq!(
            (&find["summary"], &find["description"], &find["tags"]),
            (&json!("One tea"), &json!("Of all."), &json!(["Tea"]))
        );
        let names = |operation: &Value| {
            let parameters = operation["parameters"].as_array().unwrap().iter();
            parameters.map(|it| it["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            names(find),
            [json!("id"), json!("If-None-Match"), Value::Null]
        );
        let schema = &find["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Tea");
        let pour = &document["paths"]["/tea/{id}"]["patch"];
        assert_eq!(names(pour), [json!("id"), json!("If-Match"), Value::Null]);
        assert!(pour["responses"]["412"].is_object());
        let body = &document["paths"]["/tea"]["post"]["requestBody"];
        let schema = &body["content"]["application/json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Brew");
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/tea", "/tea/{id}"]);
    }

    #[test]
    fn what_is_not_described_is_named() {
        let pot = UNDESCRIBED.examples(&[]);
        let cup = LIST.examples(&[]);
        let cup = cup.answer("cup", "A cup", Reply::text("tea")).unwrap();
        let examples = Examples::default().with(pot).with(cup);
        let found = document(&[LIST, INTERNAL], examples).err().unwrap();
        assert_eq!(
            found,
            [
                Mismatch::ExampleOfNothing(Method::GET, "/tea", "200 in text/plain".to_owned()),
                Mismatch::ExampleOfNothing(Method::GET, "/pot", "any answer".to_owned()),
            ]
        );
        let found = document(&[UNDESCRIBED], Examples::default()).err().unwrap();
        assert_eq!(found, [Mismatch::Undocumented(Method::GET, "/pot")]);
    }

    #[test]
    fn shared_components_are_there_to_be_referred_to() {
        let mut document = OpenApi::default();
        add_shared_components(&mut document);
        let document = serde_json::to_value(document).unwrap();
        let components = &document["components"];
        assert_eq!(components["securitySchemes"]["bearer"]["scheme"], "bearer");
        for name in ["Problem", "FieldError"] {
            assert!(components["schemas"][name].is_object(), "{name}");
        }
        let document = completed();
        let text = document["paths"].to_string();
        let references = text.split("\"$ref\":\"#/components").skip(1);
        let mut found = 0;
        for reference in references {
            let pointer = reference.split('"').next().unwrap();
            let own = document["components"].pointer(pointer);
            assert!(own.or(components.pointer(pointer)).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 0);
    }
}

//! What an endpoint says of itself for the OpenAPI document, put together from its arguments and answers. Only natively: no
//! component carries it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::encoding::EncodingBuilder;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{
    Content, ContentBuilder, HeaderBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

use crate::etag::MAX_TAGS;
use crate::{
    Listed, MAX_IDEMPOTENCY_KEY_CHARS, PAGE_LIMIT_MAX, PageMeta, PathParameter, ProblemDocument,
};

const JSON: &str = "application/json";

const PROBLEM_JSON: &str = "application/problem+json";

/// One operation of the document, and the schemas that it refers to.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "what utoipa builds has none")]
pub struct Description {
    pub(crate) operation: Operation,
    request_body: Option<RequestBody>,
    responses: BTreeMap<u16, Response>,
    schemas: Vec<(String, RefOr<Schema>)>,
    /// A GET of what has a tag may name the tag that the client knows.
    pub(crate) is_tagged: bool,
}

impl Description {
    /// An operation that reads and answers nothing so far.
    #[must_use]
    pub fn new(id: &str, tag: &str, summary: &str, description: Option<&str>) -> Self {
        let operation = OperationBuilder::new()
            .operation_id(Some(id))
            .tag(tag)
            .summary(Some(summary))
            .description(description);
        Self {
            operation: operation.build(),
            request_body: None,
            responses: BTreeMap::new(),
            schemas: Vec::new(),
            is_tagged: false,
        }
    }

    /// A reference to a schema, which the document will have.
    pub fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(Ref::from_schema_name(T::name()))
    }

    /// A parameter of the query string or a header.
    pub fn parameter(&mut self, parameter: Parameter) {
        let parameters = self.operation.parameters.get_or_insert_default();
        parameters.push(RefOr::T(parameter));
    }

    /// The parameter of the path; its name is put in with the path.
    pub(crate) fn path_parameter<T: PathParameter>(&mut self) {
        let schema = match T::schema() {
            // A type around another one is described as that one is; what it means here is said beside it.
            RefOr::Ref(mut inner) => {
                inner.description.clear();
                T::schemas(&mut self.schemas);
                RefOr::Ref(inner)
            }
            value if is_value(&value) => self.schema::<T>(),
            // The parameter has a description of its own.
            RefOr::T(Schema::Object(mut object)) => {
                object.description = None;
                RefOr::T(Schema::Object(object))
            }
            other => other,
        };
        let parameter = ParameterBuilder::new()
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(T::MEANING))
            .example(T::EXAMPLE.map(Value::from))
            .schema(Some(schema));
        self.parameter(parameter.build());
    }

    fn header_parameter(&mut self, name: &str, meaning: &str, schema: ObjectBuilder) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(meaning))
            .schema(Some(schema.schema_type(Type::String)));
        self.parameter(parameter.build());
    }

    /// A write may name what it is meant for.
    pub(crate) fn if_match(&mut self) {
        let meaning = format!(
            "The `ETag` of what you have seen, or up to {MAX_TAGS} of them; `*` for any: 412 when it is another one by now."
        );
        self.header_parameter("If-Match", &meaning, ObjectBuilder::new());
        let meaning = "It is not what the tag in `If-Match` stands for any more";
        self.problem(412, meaning);
    }

    pub(crate) fn if_none_match(&mut self) {
        let meaning = "The `ETag` of the answer you have: 304 when nothing has changed since.";
        self.header_parameter("If-None-Match", meaning, ObjectBuilder::new());
        self.answer(304, "It is as `If-None-Match` says");
        self.header(304, "ETag", "The same");
    }

    pub(crate) fn idempotency_key(&mut self) {
        let meaning = "A name of your choice for this request: the same request with the same key is carried out once and \
            answered as the first time, for 24 hours, also when the first answer got lost.";
        let schema = ObjectBuilder::new()
            .min_length(Some(1))
            .max_length(Some(MAX_IDEMPOTENCY_KEY_CHARS))
            .pattern(Some(format!("^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}$")));
        self.header_parameter("Idempotency-Key", meaning, schema);
    }

    /// A JSON body.
    pub fn json_body<T: ToSchema>(&mut self) {
        self.body::<T>(JSON);
    }

    /// A body, perhaps beside others of other media types.
    pub fn body<T: ToSchema>(&mut self, media_type: &str) {
        let schema = self.schema::<T>();
        self.body_of_schema(media_type, Some(schema), None);
    }

    /// A body of a schema without a name, perhaps with an example.
    pub fn body_of_schema(
        &mut self,
        media_type: &str,
        schema: Option<RefOr<Schema>>,
        example: Option<Value>,
    ) {
        let mut content = Content::new(schema);
        content.example = example;
        self.request_body()
            .content
            .insert(media_type.to_owned(), RefOr::T(content));
    }

    /// A form, of which one part is of these media types.
    pub fn form<T: ToSchema>(&mut self, part: &str, media_types: &str) {
        let encoding = EncodingBuilder::new().content_type(Some(media_types));
        let content = ContentBuilder::new()
            .schema(Some(T::schema()))
            .encoding(part, encoding);
        self.request_body()
            .content
            .insert("multipart/form-data".to_owned(), RefOr::T(content.build()));
    }

    /// The request may come without its body.
    pub(crate) fn body_may_be_absent(&mut self) {
        self.request_body().required = Some(Required::False);
    }

    /// What the body is.
    pub fn describe_body(&mut self, meaning: &str) {
        self.request_body().description = Some(meaning.to_owned());
    }

    fn request_body(&mut self) -> &mut RequestBody {
        self.request_body.get_or_insert_with(|| {
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .build()
        })
    }

    /// An answer without a body, or one that is described further.
    pub fn answer(&mut self, status: u16, meaning: &str) {
        let response = self.response(status);
        meaning.clone_into(&mut response.description);
    }

    /// A JSON answer.
    pub fn json<T: ToSchema>(&mut self, status: u16, meaning: &str) {
        self.content::<T>(status, meaning, JSON);
    }

    /// A problem without members of its own.
    pub fn problem(&mut self, status: u16, meaning: &str) {
        self.answer(status, meaning);
        // The document has its schema in any case.
        let schema = RefOr::Ref(Ref::from_schema_name(ProblemDocument::name()));
        self.put_content(status, PROBLEM_JSON, Some(schema));
        self.headers_of_problem(status);
    }

    /// A problem with members of its own, which `T` has: see [`Problem::with_members`](crate::Problem::with_members).
    pub fn problem_of<T: ToSchema>(&mut self, status: u16, meaning: &str) {
        self.answer(status, meaning);
        let schema = beside_problem(T::schema());
        self.schemas.push((T::name().into_owned(), schema));
        T::schemas(&mut self.schemas);
        let schema = RefOr::Ref(Ref::from_schema_name(T::name()));
        self.put_content(status, PROBLEM_JSON, Some(schema));
        self.headers_of_problem(status);
    }

    /// What every problem of that status brings.
    fn headers_of_problem(&mut self, status: u16) {
        match status {
            401 => self.header(status, "WWW-Authenticate", "How to say who asks (RFC 6750)"),
            429 => {
                let meaning = "Seconds until the next attempt is let through";
                self.header_of::<u64>(status, "Retry-After", meaning);
            }
            _ => {}
        }
    }

    /// An answer of that media type, perhaps beside others.
    pub fn content<T: ToSchema>(&mut self, status: u16, meaning: &str, media_type: &str) {
        self.answer(status, meaning);
        let schema = self.schema::<T>();
        self.put_content(status, media_type, Some(schema));
    }

    /// A text of that media type, such as a page, perhaps beside other answers.
    pub fn text(&mut self, status: u16, media_type: &str) {
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let schema = RefOr::T(Schema::Object(schema.build()));
        self.put_content(status, media_type, Some(schema));
    }

    /// A JSON object of which nothing more is said.
    pub fn object(&mut self, status: u16) {
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object));
        let schema = RefOr::T(Schema::Object(schema.build()));
        self.put_content(status, JSON, Some(schema));
    }

    fn put_content(&mut self, status: u16, media_type: &str, schema: Option<RefOr<Schema>>) {
        let content = RefOr::T(Content::new(schema));
        let response = self.response(status);
        response.content.insert(media_type.to_owned(), content);
    }

    /// Asks for another secret than an account's token; `scheme` is among the document's security schemes.
    pub fn secured_by(&mut self, scheme: &str) {
        let requirement = SecurityRequirement::new(scheme, [] as [&str; 0]);
        self.operation.security = Some(vec![requirement]);
    }

    /// A header of an answer.
    pub fn header(&mut self, status: u16, name: &str, meaning: &str) {
        self.header_of::<String>(status, name, meaning);
    }

    fn header_of<T: PartialSchema>(&mut self, status: u16, name: &str, meaning: &str) {
        let header = HeaderBuilder::new()
            .schema(Some(T::schema()))
            .description(Some(meaning))
            .build();
        let headers = &mut self.response(status).headers;
        headers.insert(name.to_owned(), RefOr::T(header));
    }

    /// The answer of that status has an entity tag; a GET of it may name the tag that the client knows.
    pub fn tagged(&mut self, status: u16) {
        self.is_tagged = true;
        let meaning = "Stands for what is shown, in `If-Match` and `If-None-Match`";
        self.header(status, "ETag", meaning);
    }

    /// One page of a list.
    pub(crate) fn page<T: Listed, M: Serialize + ToSchema>(&mut self, status: u16, meaning: &str) {
        let max = usize::try_from(PAGE_LIMIT_MAX).unwrap_or(usize::MAX);
        let entries = ArrayBuilder::new()
            .items(self.schema::<T>())
            .description(Some(T::ORDER))
            .max_items(Some(max));
        let mut page = ObjectBuilder::new()
            .description(Some(T::MEANING))
            .property("data", entries)
            .required("data")
            .property("meta", self.schema::<PageMeta>())
            .required("meta");
        if let RefOr::T(Schema::Object(more)) = M::schema() {
            for (name, schema) in more.properties {
                page = page.property(name, schema);
            }
            for name in more.required {
                page = page.required(name);
            }
        }
        M::schemas(&mut self.schemas);
        let page = RefOr::T(Schema::Object(page.build()));
        self.schemas.push((T::PAGE.to_owned(), page));
        self.answer(status, meaning);
        let schema = RefOr::Ref(Ref::from_schema_name(T::PAGE));
        self.put_content(status, JSON, Some(schema));
    }

    fn response(&mut self, status: u16) -> &mut Response {
        self.responses
            .entry(status)
            .or_insert_with(|| ResponseBuilder::new().build())
    }

    /// The operation as the document has it.
    pub(crate) fn into_operation(self) -> (Operation, Vec<(String, RefOr<Schema>)>) {
        let mut operation = self.operation;
        operation.request_body = self.request_body.map(RefOr::T);
        for (status, response) in self.responses {
            let responses = &mut operation.responses.responses;
            responses.insert(status.to_string(), RefOr::T(response));
        }
        (operation, self.schemas)
    }
}

/// The schema of a problem that has these members, too. One that says already that it is a problem stays as it is.
fn beside_problem(members: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut members)) = members else {
        return members;
    };
    let problem = AllOfBuilder::new()
        .description(members.description.take())
        .item(Ref::from_schema_name(ProblemDocument::name()))
        .item(members);
    RefOr::T(Schema::AllOf(problem.build()))
}

/// Whether a schema is worth a name of its own: that of an object, or of a value with a format or a list of values.
fn is_value(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.format.is_some() || object.enum_values.is_some())
}

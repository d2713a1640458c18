//! What an endpoint reads and answers: its signature. `#[endpoint]` makes a [`Route`](crate::Route) of it.

use std::future::Future;

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{RefOr, Schema};

#[cfg(not(target_family = "wasm"))]
use crate::Description;
use crate::{BodyRule, Context, Problem, Reply};

/// What an endpoint takes as an argument.
pub trait FromContext: Sized {
    /// What it takes as the body, if it reads it.
    const BODY: Option<BodyRule> = None;

    /// Whether it reads the query string.
    const READS_QUERY: bool = false;

    /// Whether there must be a valid token.
    const NEEDS_CALLER: bool = false;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with that part of the request.
    fn from_context(context: &Context) -> impl Future<Output = Result<Self, Problem>>;

    /// Says in the document what is read.
    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description);
}

/// What an endpoint answers.
pub trait Answer {
    /// The status that it has, unless the endpoint says another one.
    const STATUS: u16;

    /// The answer as it is sent.
    ///
    /// # Errors
    /// [`Problem::internal`] when it cannot be written as JSON.
    fn into_reply(self) -> Result<Reply, Problem>;

    /// Says in the document what is answered, with that status and meaning.
    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str);
}

/// What is taken as the body: what an argument reads, or else nothing.
#[doc(hidden)]
#[must_use]
pub const fn body_of(arguments: &[Option<BodyRule>]) -> BodyRule {
    let mut rest = arguments;
    let mut found = BodyRule::IGNORED;
    while let [argument, others @ ..] = rest {
        if let Some(rule) = argument {
            found = *rule;
        }
        rest = others;
    }
    found
}

/// The schema of an object without one of these members, or without the other; whether the one that is left must be there.
#[doc(hidden)]
#[must_use]
pub fn either(whole: RefOr<Schema>, names: [&str; 2], is_required: bool) -> RefOr<Schema> {
    let mut either = AnyOfBuilder::new();
    let [one, other] = names;
    for (left_out, kept) in [(other, one), (one, other)] {
        let mut part = whole.clone();
        if let RefOr::T(Schema::Object(object)) = &mut part {
            object.properties.remove(left_out);
            object.example = None;
            if is_required {
                object.required.insert(0, kept.to_owned());
            }
        }
        either = either.item(part);
    }
    if let RefOr::T(Schema::Object(object)) = whole {
        either = either
            .description(object.description)
            .examples(object.example);
    }
    RefOr::T(Schema::AnyOf(either.build()))
}

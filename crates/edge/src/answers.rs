//! The answers of endpoints.

use std::collections::BTreeMap;

use mercato_kernel::{Page, RecordedAnswer};
use serde::Serialize;
use utoipa::ToSchema;

#[cfg(not(target_family = "wasm"))]
use crate::Description;
use crate::{Answer, FacetCount, PageMeta, Problem, Reply, StatusCode};

/// 200 with JSON; as an argument, a JSON body.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: Serialize + ToSchema> Answer for Json<T> {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        Reply::json(&self.0)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.json::<T>(status, meaning);
    }
}

/// 200 with JSON and its entity tag. A GET of it answers 304 to a client that has it already.
#[derive(Debug, Clone)]
pub struct Tagged<T> {
    /// What is shown.
    pub shown: T,
    /// Its version.
    pub version: u64,
    /// Whatever else it shows, as numbers.
    pub others: Vec<u64>,
}

impl<T> Tagged<T> {
    /// A resource whose version says all of it.
    pub const fn new(shown: T, version: u64) -> Self {
        Self {
            shown,
            version,
            others: Vec::new(),
        }
    }

    /// The same, showing what these numbers say, too.
    #[must_use]
    pub fn and(mut self, others: &[u64]) -> Self {
        self.others.extend(others);
        self
    }
}

impl<T: Serialize + ToSchema> Answer for Tagged<T> {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(Reply::json(&self.shown)?.with_version(self.version, &self.others))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.json::<T>(status, meaning);
        description.tagged(status);
    }
}

/// 201 with what was made, at a path of ours.
#[derive(Debug, Clone)]
pub struct Created<A> {
    /// Its path.
    pub location: String,
    /// What is shown of it.
    pub shown: A,
}

impl<A: Answer> Answer for Created<A> {
    const STATUS: u16 = 201;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(self.shown.into_reply()?.created(&self.location))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
        description.header(status, "Location", "Where it is from now on");
    }
}

/// 202: it is written down and will be done; this is how things are until then.
#[derive(Debug, Clone)]
pub struct Accepted<A>(pub A);

impl<A: Answer> Answer for Accepted<A> {
    const STATUS: u16 = 202;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(self.0.into_reply()?.with_status(StatusCode::ACCEPTED))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
    }
}

/// 303: the client goes on with a GET of that path of ours.
#[derive(Debug, Clone)]
pub struct SeeOther(pub String);

impl Answer for SeeOther {
    const STATUS: u16 = 303;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(Reply::see_other(&self.0))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.answer(status, meaning);
        description.header(status, "Location", "Where to go on");
    }
}

/// 301: it has another path of ours for good.
#[derive(Debug, Clone)]
pub struct MovedPermanently(pub String);

impl Answer for MovedPermanently {
    const STATUS: u16 = 301;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(Reply::see_other(&self.0).with_status(StatusCode::MOVED_PERMANENTLY))
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.answer(status, meaning);
        description.header(status, "Location", "Where it is from now on");
    }
}

/// One of two answers. The endpoint says what `returns` means of the first, and names the other by its status.
#[derive(Debug, Clone)]
pub enum Either<A, B> {
    /// What is mostly answered.
    First(A),
    /// What is answered otherwise.
    Other(B),
}

impl<A: Answer, B: Answer> Answer for Either<A, B> {
    const STATUS: u16 = A::STATUS;

    fn into_reply(self) -> Result<Reply, Problem> {
        match self {
            Self::First(answer) => answer.into_reply(),
            Self::Other(answer) => answer.into_reply(),
        }
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
    }
}

/// An answer that carries a secret and is never compressed.
#[derive(Debug, Clone)]
pub struct Secret<A>(pub A);

impl<A: Answer> Answer for Secret<A> {
    const STATUS: u16 = A::STATUS;

    fn into_reply(self) -> Result<Reply, Problem> {
        self.0.into_reply().map(Reply::holding_secret)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
    }
}

/// An answer that is the same for all who do not say who they are: caches may give it to others of them for a while.
#[derive(Debug, Clone)]
pub struct Public<A> {
    /// What is answered.
    pub answer: A,
    /// For how many seconds caches may keep it; 0 when they must not.
    pub max_age_seconds: u64,
}

impl<A: Answer> Answer for Public<A> {
    const STATUS: u16 = A::STATUS;

    fn into_reply(self) -> Result<Reply, Problem> {
        let reply = self.answer.into_reply()?;
        Ok(match self.max_age_seconds {
            0 => reply,
            seconds => reply.kept_by_caches(seconds),
        })
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
        let meaning = "Without `Authorization`, for how many seconds caches may keep it, if the shop lets them";
        description.header(status, "Cache-Control", meaning);
    }
}

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl Answer for NoContent {
    const STATUS: u16 = 204;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(Reply::no_content())
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.answer(status, meaning);
    }
}

/// An answer that the endpoint makes by itself and describes by itself.
impl Answer for Reply {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        Ok(self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.answer(status, meaning);
    }
}

/// An entry of a list.
pub trait Listed: Serialize + ToSchema {
    /// Name of a page of them in the document.
    const PAGE: &'static str;

    /// What such a page is.
    const MEANING: &'static str;

    /// The order in which they stand there.
    const ORDER: &'static str;
}

/// 200 with one page of a list: `{data, meta, …}`.
#[derive(Debug, Clone, Serialize)]
pub struct Paged<T, M = ()> {
    #[serde(rename = "data")]
    entries: Vec<T>,
    meta: PageMeta,
    #[serde(flatten)]
    more: M,
}

impl<T> Paged<T> {
    /// That page, each of its entries shown as `show` says.
    ///
    /// # Errors
    /// When an entry cannot be shown.
    pub fn of<E>(
        page: Page<E>,
        show: impl FnMut(E) -> Result<T, Problem>,
    ) -> Result<Self, Problem> {
        let meta = PageMeta::from(&page);
        let entries = page.entries.into_iter().map(show);
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            meta,
            more: (),
        })
    }

    /// The same for a search that was made for other words than those that were typed, if there are such.
    #[must_use]
    pub fn corrected(mut self, corrected: Option<String>) -> Self {
        self.meta.corrected = corrected;
        self
    }

    /// The same with counts of facets by their names, if any were asked for.
    #[must_use]
    pub fn counted(mut self, facets: BTreeMap<String, Vec<FacetCount>>) -> Self {
        self.meta.facets = Some(facets).filter(|facets| !facets.is_empty());
        self
    }

    /// The same with members beside `data` and `meta`.
    pub fn with<M>(self, more: M) -> Paged<T, M> {
        Paged {
            entries: self.entries,
            meta: self.meta,
            more,
        }
    }
}

impl<T: Listed, M: Serialize + ToSchema> Answer for Paged<T, M> {
    const STATUS: u16 = 200;

    fn into_reply(self) -> Result<Reply, Problem> {
        Reply::json(&self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        description.page::<T, M>(status, meaning);
    }
}

/// An answer to a request that may be sent again under its `Idempotency-Key`: what was answered first is given again, byte
/// for byte. What it shows is an `A`.
#[derive(Debug, Clone)]
pub struct Recorded<A> {
    answer: RecordedAnswer,
    kind: std::marker::PhantomData<A>,
}

/// An answer that can be given again from its recorded body alone.
pub trait Replayed: Answer {
    /// Puts the headers that the body speaks of into the answer again.
    fn replay(reply: Reply) -> Reply;
}

/// What was made, whose body says where it is.
pub trait Located {
    /// The path that such a body speaks of.
    fn location_of(body: &[u8]) -> Option<String>;
}

impl<T: Located + Serialize + ToSchema> Replayed for Created<Json<T>> {
    fn replay(reply: Reply) -> Reply {
        match T::location_of(reply.body()) {
            Some(location) => reply.created(&location),
            None => reply,
        }
    }
}

impl<A: Replayed> Recorded<A> {
    /// The answer that is recorded of this one.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn record(answer: A) -> Result<RecordedAnswer, Problem> {
        let reply = answer.into_reply()?;
        Ok(RecordedAnswer {
            status: reply.status().as_u16(),
            body: reply.body().to_vec(),
        })
    }
}

impl<A> From<RecordedAnswer> for Recorded<A> {
    fn from(answer: RecordedAnswer) -> Self {
        let kind = std::marker::PhantomData;
        Self { answer, kind }
    }
}

impl<A: Replayed> Answer for Recorded<A> {
    const STATUS: u16 = A::STATUS;

    fn into_reply(self) -> Result<Reply, Problem> {
        let RecordedAnswer { status, body } = self.answer;
        let reply = Reply::recorded(status, body);
        let is_success = StatusCode::from_u16(status).is_ok_and(|status| status.is_success());
        Ok(if is_success { A::replay(reply) } else { reply })
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        A::describe(description, status, meaning);
    }
}

//! Entity tags (RFC 9110 section 8.8.3): they make reading again cheap and writing safe.
//!
//! A tag is made of numbers: the resource's version, then whatever else its representation shows: `"3"`, `"3-97"`. A write
//! that names a tag is meant for exactly that representation (RFC 9110 section 13.1.1), so a handler compares all numbers.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{Context, Problem, Reply, encoding};

/// May be kept by the client alone, and is asked for again each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What a 304 repeats of the full answer (RFC 9110 section 15.4.5). The policy is among it because a browser keeps a
/// page with the headers of the latest answer.
const REPEATED: [HeaderName; 4] = [
    header::ETAG,
    header::CACHE_CONTROL,
    header::VARY,
    header::CONTENT_SECURITY_POLICY,
];

/// Most tags that one `If-Match` may name: each is one try.
pub(crate) const MAX_TAGS: usize = 8;

/// Most numbers in a tag.
const MAX_TAG_NUMBERS: usize = 4;

/// The numbers of an entity tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tag {
    numbers: [u64; MAX_TAG_NUMBERS],
    count: usize,
}

impl Tag {
    /// The version, then the others.
    #[must_use]
    pub fn numbers(&self) -> &[u64] {
        self.numbers.get(..self.count).unwrap_or_default()
    }

    /// The numbers of a strong tag, written as [`Reply::with_version`] writes them, in whichever coding its
    /// representation came.
    fn parse(tag: &str) -> Option<Self> {
        let opaque = encoding::plain_tag_of_json(tag.strip_prefix('"')?.strip_suffix('"')?);
        let mut parsed = Self::default();
        for number in opaque.split('-') {
            *parsed.numbers.get_mut(parsed.count)? = canonical(number)?;
            parsed.count += 1;
        }
        Some(parsed)
    }
}

/// A number as it is written in tags, which are compared character by character: without sign and leading zeros.
fn canonical(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || text.starts_with(|first: char| ('1'..='9').contains(&first));
    is_canonical.then(|| text.parse().ok())?
}

impl Reply {
    /// The same answer with the tag of that version; `others` are the further numbers that the body depends on.
    #[must_use]
    pub fn with_version(self, version: u64, others: &[u64]) -> Self {
        let tag = others
            .iter()
            .fold(version.to_string(), |tag, other| format!("{tag}-{other}"));
        match HeaderValue::from_str(&format!("\"{tag}\"")) {
            Ok(tag) => self
                .with_header(header::ETAG, tag)
                .with_header(header::CACHE_CONTROL, REVALIDATE),
            Err(_) => self,
        }
    }
}

impl Context {
    /// The tag of the representation that a write is meant for, from `If-Match` (RFC 9110 section 13.1.1); none when there
    /// is no such header or it is `*`. Of several tags it is the one whose turn it is: see [`Expected`].
    ///
    /// # Errors
    /// 412 when the header names no tag of ours; weak tags never match.
    pub fn expected_tag(&self) -> Result<Option<Tag>, Problem> {
        match self.expected {
            Expected::Any => Ok(None),
            Expected::One(tag) => Ok(Some(tag)),
            Expected::None => Err(Problem::precondition_failed()),
        }
    }

    /// As [`Context::expected_tag`], for a resource whose version is all that its tag holds.
    ///
    /// # Errors
    /// 412 when the header names no tag of such a resource.
    pub fn expected_version(&self) -> Result<Option<u64>, Problem> {
        match self.expected_tag()?.as_ref().map(Tag::numbers) {
            None => Ok(None),
            Some([version]) => Ok(Some(*version)),
            Some(_) => Err(Problem::precondition_failed()),
        }
    }
}

/// What `If-Match` says to a handler. A domain checks one tag in the transaction that writes; so a request that names
/// several goes to the handler once for each, until one of them is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Expected {
    /// There is no condition, or none but that the resource exists.
    #[default]
    Any,
    /// The representation of that tag.
    One(Tag),
    /// None that can be.
    None,
}

/// The tags that `If-Match` names, each once, to be tried in turn.
///
/// `*` stands alone or is no tag.
///
/// # Errors
/// 400 when there are more than [`MAX_TAGS`].
pub(crate) fn expected(headers: &HeaderMap) -> Result<Vec<Expected>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    if let (Some(only), None) = (values.next(), values.next())
        && is_any(only)
    {
        return Ok(vec![Expected::Any]);
    }
    let mut expected = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if let Some(tag) = Tag::parse(tag).map(Expected::One)
                && !expected.contains(&tag)
            {
                expected.push(tag);
            }
        }
    }
    match expected.len() {
        0 if headers.contains_key(header::IF_MATCH) => Ok(vec![Expected::None]),
        0 => Ok(vec![Expected::Any]),
        1..=MAX_TAGS => Ok(expected),
        _ => Err(Problem::bad_request(
            "too-many-entity-tags",
            format!("name at most {MAX_TAGS} tags in If-Match"),
        )),
    }
}

/// Refuses the answer to a GET when the client asked for another representation: none of the values of `If-Match` names
/// its tag (RFC 9110 section 13.1.1, strong comparison). Writes are checked in the transaction that writes.
///
/// # Errors
/// 412.
pub(crate) fn require(
    reply: Reply,
    method: &Method,
    if_match: &[HeaderValue],
) -> Result<Reply, Problem> {
    let Some(tag) = tag_of(&reply).filter(|_| reads(&reply, method) && !if_match.is_empty()) else {
        return Ok(reply);
    };
    let names_it = |named: &str| !named.starts_with("W/") && is_same(named, tag);
    if matches!(if_match, [only] if is_any(only)) || listed(if_match).any(names_it) {
        Ok(reply)
    } else {
        Err(Problem::precondition_failed())
    }
}

/// Whether a condition is only that there is a representation.
fn is_any(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| value.trim() == "*")
}

fn tag_of(reply: &Reply) -> Option<&str> {
    reply.headers.get(header::ETAG)?.to_str().ok()
}

fn reads(reply: &Reply, method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && reply.status == StatusCode::OK
}

fn listed(values: &[HeaderValue]) -> impl Iterator<Item = &str> {
    let values = values.iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

/// Turns the answer to a GET into 304 when the client already has it: one of the values of `If-None-Match` names its
/// tag (RFC 9110 section 13.1.2, weak comparison).
pub fn revalidate(reply: Reply, method: &Method, if_none_match: &[HeaderValue]) -> Reply {
    let Some(tag) = tag_of(&reply) else {
        return reply;
    };
    let matching = listed(if_none_match).find_map(|known| matching_tag(known, tag));
    let reads = reads(&reply, method);
    let Some(matching) = matching.filter(|_| reads) else {
        return reply;
    };
    let matching = HeaderValue::from_str(matching).ok();
    let mut unchanged = Reply::no_content().with_status(StatusCode::NOT_MODIFIED);
    for name in REPEATED {
        if let Some(value) = reply.headers.get(&name) {
            unchanged.headers.insert(name, value.clone());
        }
    }
    if let Some(tag) = matching {
        unchanged.headers.insert(header::ETAG, tag);
    }
    unchanged
}

/// The tag of what the client has, if it is the same as what it would get, in this coding or in another: a cache knows its
/// entry by exactly that tag (RFC 9111 section 4.3.4).
fn matching_tag<'a>(known: &'a str, tag: &'a str) -> Option<&'a str> {
    if known == "*" {
        return Some(tag);
    }
    let strong = known.strip_prefix("W/").unwrap_or(known);
    is_same(strong, tag).then_some(strong)
}

/// Whether two tags are of the same representation, in this coding or in another.
fn is_same(one: &str, other: &str) -> bool {
    plain(one).is_some_and(|one| plain(other) == Some(one))
}

fn plain(tag: &str) -> Option<&str> {
    let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
    Some(encoding::plain_tag(opaque))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tagged() -> Reply {
        Reply::text("tea").with_version(3, &[97])
    }

    fn answer(method: &Method, known: &'static str) -> StatusCode {
        revalidate(tagged(), method, &[HeaderValue::from_static(known)]).status
    }

    #[test]
    fn a_tag_holds_the_version_and_what_else_the_body_depends_on() {
        assert_eq!(tagged().headers[header::ETAG], "\"3-97\"");
        assert_eq!(
            Reply::text("tea").with_version(3, &[]).headers[header::ETAG],
            "\"3\""
        );
    }

    #[test]
    fn a_client_that_has_it_already_gets_304_without_a_body() {
        let known = HeaderValue::from_static("\"1\", W/\"3-97\"");
        let reply = revalidate(tagged(), &Method::GET, &[known]);
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert!(reply.body.is_empty());
        assert_eq!(reply.headers[header::ETAG], "\"3-97\"");
        assert!(!reply.headers.contains_key(header::CONTENT_TYPE));
        assert_eq!(answer(&Method::HEAD, "*"), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn what_caches_may_keep_is_renewed_for_as_long_again() {
        let full = tagged().kept_by_caches(5);
        let known = HeaderValue::from_static("\"3-97\"");
        let renewed = revalidate(full.clone(), &Method::GET, &[known]);
        assert_eq!(renewed.status, StatusCode::NOT_MODIFIED);
        for (name, value) in [
            (
                header::CACHE_CONTROL,
                "public, max-age=5, stale-while-revalidate=30",
            ),
            (header::VARY, "authorization"),
        ] {
            assert_eq!(full.headers[&name], value);
            assert_eq!(renewed.headers[&name], value);
        }
    }

    #[test]
    fn what_came_compressed_is_known_and_can_be_written() {
        let known = HeaderValue::from_static("\"3-97-gzip\"");
        let reply = revalidate(tagged(), &Method::GET, std::slice::from_ref(&known));
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert_eq!(reply.headers[header::ETAG], known);
        assert_eq!(
            named(&["\"3-97-gzip\", \"3-98\""]),
            Ok(vec![one(&[3, 97]), one(&[3, 98])])
        );
        assert_eq!(answer(&Method::GET, "\"3-96-gzip\""), StatusCode::OK);
        assert_eq!(answer(&Method::GET, "\"-gzip\""), StatusCode::OK);
    }

    #[test]
    fn a_304_repeats_the_policy_that_the_page_must_keep() {
        let policy = HeaderValue::from_static("default-src 'self'");
        let page = tagged().with_header(header::CONTENT_SECURITY_POLICY, policy.clone());
        let known = HeaderValue::from_static("\"3-97\"");
        let reply = revalidate(page, &Method::GET, &[known]);
        assert_eq!(reply.headers[header::CONTENT_SECURITY_POLICY], policy);
    }

    #[test]
    fn anything_else_is_answered_in_full() {
        for known in ["\"3\"", "\"3-96\"", "3-97", ""] {
            assert_eq!(answer(&Method::GET, known), StatusCode::OK, "{known}");
        }
        assert_eq!(answer(&Method::PATCH, "\"3-97\""), StatusCode::OK);
        let untagged = revalidate(
            Reply::text("x"),
            &Method::GET,
            &[HeaderValue::from_static("*")],
        );
        assert_eq!(untagged.status, StatusCode::OK);
    }

    fn named(values: &[&'static str]) -> Result<Vec<Expected>, StatusCode> {
        let header = |value: &&'static str| (header::IF_MATCH, HeaderValue::from_static(value));
        expected(&values.iter().map(header).collect()).map_err(|problem| problem.status())
    }

    fn tag(numbers: &[u64]) -> Tag {
        let mut tag = Tag {
            count: numbers.len(),
            ..Tag::default()
        };
        tag.numbers[..numbers.len()].copy_from_slice(numbers);
        tag
    }

    fn one(numbers: &[u64]) -> Expected {
        Expected::One(tag(numbers))
    }

    #[test]
    fn a_write_names_the_tags_it_is_meant_for() {
        use Expected::Any;
        assert_eq!(named(&[]), Ok(vec![Any]));
        assert_eq!(named(&["*"]), Ok(vec![Any]));
        assert_eq!(named(&["\"3\""]), Ok(vec![one(&[3])]));
        let both = Ok(vec![one(&[3, 97]), one(&[3, 98])]);
        assert_eq!(named(&["\"3-97\", \"3-98\", \"3-97-gzip\""]), both);
        assert_eq!(
            named(&["\"3\",\"4\"", "\"5-0-1-2\""]),
            Ok(vec![one(&[3]), one(&[4]), one(&[5, 0, 1, 2])])
        );
        assert_eq!(named(&["W/\"3\", \"x\", \"4\""]), Ok(vec![one(&[4])]));
        // Any stands alone: among tags it is none.
        assert_eq!(named(&["\"3\"", "*"]), Ok(vec![one(&[3])]));
        assert_eq!(named(&["*, \"3\""]), Ok(vec![one(&[3])]));
        assert_eq!(named(&["*, *"]), Ok(vec![Expected::None]));
        assert_eq!(named(&["*", "*"]), Ok(vec![Expected::None]));
    }

    #[test]
    fn what_is_no_tag_of_ours_never_matches() {
        for stranger in [
            "W/\"3\"",
            "3",
            "\"x\"",
            "\"",
            "",
            "\"-3\"",
            "\"+3\"",
            "\"03\"",
            "\"3-\"",
            "\"3-00\"",
            "\"3-x\"",
            "\"3-97-br\"",
            "\"1-2-3-4-5\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(named(&[stranger]), Ok(vec![Expected::None]), "{stranger}");
        }
        let status = |expected| {
            let context = Context {
                expected,
                ..Context::default()
            };
            context
                .expected_version()
                .map_err(|problem| problem.status())
        };
        assert_eq!(status(Expected::Any), Ok(None));
        assert_eq!(status(one(&[3])), Ok(Some(3)));
        for other in [Expected::None, one(&[3, 97])] {
            assert_eq!(status(other), Err(StatusCode::PRECONDITION_FAILED));
        }
    }

    #[test]
    fn a_write_names_so_many_tags_and_no_more() {
        const NINE: &str = "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"";
        assert_eq!(named(&[NINE]), Err(StatusCode::BAD_REQUEST));
        assert_eq!(
            named(&[NINE.strip_suffix(",\"9\"").unwrap()])
                .unwrap()
                .len(),
            MAX_TAGS
        );
    }

    #[test]
    fn a_read_may_ask_for_one_representation_and_no_other() {
        let ask = |method: &Method, named: &'static str| {
            let named = [HeaderValue::from_static(named)];
            require(tagged(), method, &named)
                .map_or_else(|problem| problem.status(), |it| it.status)
        };
        for named in ["*", "\"3-97\"", "\"1\", \"3-97-gzip\""] {
            assert_eq!(ask(&Method::GET, named), StatusCode::OK, "{named}");
        }
        for named in ["\"3\"", "\"3-96\"", "W/\"3-97\"", "3-97", ""] {
            let refused = StatusCode::PRECONDITION_FAILED;
            assert_eq!(ask(&Method::HEAD, named), refused, "{named}");
            assert_eq!(ask(&Method::PATCH, named), StatusCode::OK, "{named}");
        }
        assert!(require(tagged(), &Method::GET, &[]).is_ok());
        let untagged = require(
            Reply::text("x"),
            &Method::GET,
            &[HeaderValue::from_static("\"1\"")],
        );
        assert!(untagged.is_ok());
    }

    proptest! {
        #[test]
        fn a_tag_that_was_sent_names_its_numbers(version: u64, others in prop::collection::vec(any::<u64>(), 0..=3)) {
            let reply = Reply::text("tea").with_version(version, &others);
            let tag = reply.headers[header::ETAG].to_str().unwrap().to_owned();
            let numbers = [&[version], &*others].concat();
            prop_assert_eq!(Tag::parse(&tag), Some(self::tag(&numbers)));
            let named = [HeaderValue::from_str(&format!("\"0\", {tag}")).unwrap()];
            prop_assert!(require(reply.clone(), &Method::GET, &named).is_ok());
            let again = revalidate(reply, &Method::GET, &[HeaderValue::from_str(&format!("\"0\", W/{tag}")).unwrap()]);
            prop_assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        }

        #[test]
        fn any_header_is_read_or_refused(values in prop::collection::vec("[ -~]{0,40}", 0..3)) {
            let headers = values.iter().map(|value| (header::IF_MATCH, HeaderValue::from_str(value).unwrap()));
            let headers: HeaderMap = headers.collect();
            if let Ok(expected) = expected(&headers) {
                prop_assert!((1..=MAX_TAGS).contains(&expected.len()));
            }
            let values: Vec<_> = headers.get_all(header::IF_MATCH).iter().cloned().collect();
            let _ = require(tagged(), &Method::GET, &values);
            revalidate(tagged(), &Method::GET, &values);
        }
    }
}

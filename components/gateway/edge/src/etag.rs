//! Entity tags (RFC 9110 section 8.8.3): they make reading again cheap and writing safe.
//!
//! A tag is the resource's version, then whatever else its representation depends on: `"3"`, `"3-97"`. A write that
//! names a tag means the version alone: other people's orders move the stock of a product all the time, and that is
//! no reason to refuse a correction of its name.

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

/// Most versions that one `If-Match` may name: each is one try.
pub(crate) const MAX_VERSIONS: usize = 8;

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
    /// The version that a write is meant for, from `If-Match` (RFC 9110 section 13.1.1); none when there is no such
    /// header or it is `*`. Of several versions it is the one whose turn it is: see [`Versions`].
    ///
    /// # Errors
    /// 412 when the header names no version of ours; weak tags never match.
    pub fn expected_version(&self) -> Result<Option<u64>, Problem> {
        match self.versions {
            Versions::Any => Ok(None),
            Versions::One(version) => Ok(Some(version)),
            Versions::None => Err(Problem::precondition_failed()),
        }
    }
}

/// What `If-Match` says to a handler. A domain checks one version in the transaction that writes; so a request that
/// names several goes to the handler once for each, until one of them is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Versions {
    /// There is no condition, or none but that the resource exists.
    #[default]
    Any,
    /// That one.
    One(u64),
    /// None that can be.
    None,
}

/// The versions that `If-Match` names, each once, to be tried in turn.
///
/// # Errors
/// 400 when there are more than [`MAX_VERSIONS`].
pub(crate) fn versions(headers: &HeaderMap) -> Result<Vec<Versions>, Problem> {
    let mut versions = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Ok(vec![Versions::Any]);
            }
            if let Some(version) = version_of(tag).map(Versions::One)
                && !versions.contains(&version)
            {
                versions.push(version);
            }
        }
    }
    match versions.len() {
        0 if headers.contains_key(header::IF_MATCH) => Ok(vec![Versions::None]),
        0 => Ok(vec![Versions::Any]),
        1..=MAX_VERSIONS => Ok(versions),
        _ => Err(Problem::bad_request(
            "too-many-entity-tags",
            format!("name at most {MAX_VERSIONS} versions in If-Match"),
        )),
    }
}

/// The version in a strong tag.
fn version_of(tag: &str) -> Option<u64> {
    // A write means the resource, whichever coding its representation came in.
    let opaque = encoding::plain_tag(tag.strip_prefix('"')?.strip_suffix('"')?);
    let (version, others) = opaque.split_once('-').unwrap_or((opaque, "0"));
    let are_numbers = others.split('-').all(is_number);
    (is_number(version) && are_numbers).then(|| version.parse().ok())?
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Turns the answer to a GET into 304 when the client already has it: one of the values of `If-None-Match` names its
/// tag (RFC 9110 section 13.1.2, weak comparison).
pub fn revalidate(reply: Reply, method: &Method, if_none_match: &[HeaderValue]) -> Reply {
    let Some(tag) = reply
        .headers
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
    else {
        return reply;
    };
    let reads = matches!(*method, Method::GET | Method::HEAD) && reply.status == StatusCode::OK;
    let mut known = if_none_match
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let matching = known.find_map(|known| matching_tag(known.trim(), tag));
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
    (plain(strong)? == plain(tag)?).then_some(strong)
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
    fn what_came_compressed_is_known_and_can_be_written() {
        let known = HeaderValue::from_static("\"3-97-gzip\"");
        let reply = revalidate(tagged(), &Method::GET, std::slice::from_ref(&known));
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert_eq!(reply.headers[header::ETAG], known);
        assert_eq!(
            named(&["\"3-97-gzip\", \"3-98\""]),
            Ok(vec![Versions::One(3)])
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

    fn named(values: &[&'static str]) -> Result<Vec<Versions>, StatusCode> {
        let header = |value: &&'static str| (header::IF_MATCH, HeaderValue::from_static(value));
        versions(&values.iter().map(header).collect()).map_err(|problem| problem.status())
    }

    #[test]
    fn a_write_names_the_versions_it_is_meant_for() {
        use Versions::{Any, One};
        assert_eq!(named(&[]), Ok(vec![Any]));
        assert_eq!(named(&["*"]), Ok(vec![Any]));
        assert_eq!(named(&["\"3\""]), Ok(vec![One(3)]));
        assert_eq!(named(&["\"3-97\", \"3-98\""]), Ok(vec![One(3)]));
        assert_eq!(
            named(&["\"3\",\"4\"", "\"5\""]),
            Ok(vec![One(3), One(4), One(5)])
        );
        assert_eq!(named(&["W/\"3\", \"x\", \"4\""]), Ok(vec![One(4)]));
        assert_eq!(named(&["\"3\"", "*"]), Ok(vec![Any]));
    }

    #[test]
    fn what_is_no_version_of_ours_never_matches() {
        for stranger in [
            "W/\"3\"",
            "3",
            "\"x\"",
            "\"",
            "",
            "\"-3\"",
            "\"+3\"",
            "\"3-\"",
            "\"3-x\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(named(&[stranger]), Ok(vec![Versions::None]), "{stranger}");
        }
        let context = Context {
            versions: Versions::None,
            ..Context::default()
        };
        let problem = context.expected_version().unwrap_err();
        assert_eq!(problem.status(), StatusCode::PRECONDITION_FAILED);
    }

    #[test]
    fn a_write_names_so_many_versions_and_no_more() {
        const NINE: &str = "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"";
        assert_eq!(named(&[NINE]), Err(StatusCode::BAD_REQUEST));
        assert_eq!(
            named(&[NINE.strip_suffix(",\"9\"").unwrap()])
                .unwrap()
                .len(),
            MAX_VERSIONS
        );
    }

    proptest! {
        #[test]
        fn a_tag_that_was_sent_names_its_version(version: u64, others in prop::collection::vec(any::<u64>(), 0..3)) {
            let reply = Reply::text("tea").with_version(version, &others);
            let tag = reply.headers[header::ETAG].to_str().unwrap().to_owned();
            prop_assert_eq!(version_of(&tag), Some(version));
            let again = revalidate(reply, &Method::GET, &[HeaderValue::from_str(&format!("\"0\", W/{tag}")).unwrap()]);
            prop_assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        }

        #[test]
        fn any_header_is_read_or_refused(values in prop::collection::vec("[ -~]{0,40}", 0..3)) {
            let headers = values.iter().map(|value| (header::IF_MATCH, HeaderValue::from_str(value).unwrap()));
            let headers: HeaderMap = headers.collect();
            if let Ok(versions) = versions(&headers) {
                prop_assert!((1..=MAX_VERSIONS).contains(&versions.len()));
            }
            let values: Vec<_> = headers.get_all(header::IF_MATCH).iter().cloned().collect();
            revalidate(tagged(), &Method::GET, &values);
        }
    }
}

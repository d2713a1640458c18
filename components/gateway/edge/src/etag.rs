//! Entity tags (RFC 9110 section 8.8.3): they make reading again cheap and writing safe.
//!
//! A tag is the resource's version, then whatever else its representation depends on: `"3"`, `"3-97"`. A write that
//! names a tag means the version alone: other people's orders move the stock of a product all the time, and that is
//! no reason to refuse a correction of its name.

use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{Context, Problem, Reply};

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
    /// header or it is `*`.
    ///
    /// # Errors
    /// 412 when the header names no version of ours or a weak tag, which never matches; 400 when it names several.
    pub fn expected_version(&self) -> Result<Option<u64>, Problem> {
        let mut values = self.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default().trim();
        if values.next().is_some() || text.contains(',') {
            return Err(Problem::bad_request(
                "several-entity-tags",
                "name one entity tag in If-Match",
            ));
        }
        if text == "*" {
            return Ok(None);
        }
        version_of(text)
            .map(Some)
            .ok_or_else(Problem::precondition_failed)
    }
}

/// The version in a strong tag.
fn version_of(tag: &str) -> Option<u64> {
    let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
    opaque.split('-').next()?.parse().ok()
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
    if !reads || !known.any(|known| matches_weakly(known.trim(), tag)) {
        return reply;
    }
    let mut unchanged = Reply::no_content().with_status(StatusCode::NOT_MODIFIED);
    for name in REPEATED {
        if let Some(value) = reply.headers.get(&name) {
            unchanged.headers.insert(name, value.clone());
        }
    }
    unchanged
}

fn matches_weakly(known: &str, tag: &str) -> bool {
    known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_write_names_one_version() {
        let expected = |values: &[&'static str]| {
            let headers = values
                .iter()
                .map(|value| (header::IF_MATCH, HeaderValue::from_static(value)))
                .collect();
            Context {
                headers,
                ..Context::default()
            }
            .expected_version()
            .map_err(|problem| problem.status())
        };
        assert_eq!(expected(&[]), Ok(None));
        assert_eq!(expected(&["*"]), Ok(None));
        assert_eq!(expected(&["\"3\""]), Ok(Some(3)));
        assert_eq!(expected(&["\"3-97\""]), Ok(Some(3)));
        for stranger in [
            "W/\"3\"",
            "3",
            "\"x\"",
            "\"",
            "\"-3\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(
                expected(&[stranger]),
                Err(StatusCode::PRECONDITION_FAILED),
                "{stranger}"
            );
        }
        assert_eq!(expected(&["\"3\", \"4\""]), Err(StatusCode::BAD_REQUEST));
        assert_eq!(expected(&["\"3\"", "\"4\""]), Err(StatusCode::BAD_REQUEST));
    }
}

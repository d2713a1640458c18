//! Content codings (RFC 9110 section 12.5.3): answers worth it go out compressed to clients that take that.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

use crate::{Reply, headers};

/// Shortest body that is compressed on the way out, in bytes: shorter ones fit into one packet anyway.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// Longest body that is compressed on the way out, in bytes, so that one answer costs a bounded time.
const MAX_COMPRESSED_BYTES: usize = 1024 * 1024;

/// How hard is tried, from 1 to 9: most of the gain comes with the first level, and the time is a request's.
const LEVEL: u32 = 1;

/// The media type of answers that are compressed on the way out.
const COMPRESSED_TYPE: &str = "application/json";

/// Weight of a coding that a client likes best.
const MAX_WEIGHT: u16 = 1_000;

/// Most codings of an `Accept-Encoding` that are looked at.
const MAX_CODINGS: usize = 32;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Brotli (RFC 7932).
    Brotli,
    /// RFC 1952.
    Gzip,
    /// None.
    Identity,
}

impl Coding {
    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The end of an entity tag of a representation in this coding: each has its own (RFC 9110 section 8.8.3.3).
    const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
            Self::Identity => "",
        }
    }

    /// The entity tag of the representation in this coding; `tag` is that of the plain one, in quotes.
    #[must_use]
    pub fn tag(self, tag: &str) -> String {
        let plain = tag.strip_suffix('"').unwrap_or(tag);
        format!("{plain}{}\"", self.suffix())
    }
}

/// The tag of the plain representation, whichever coding an opaque tag (without its quotes) of a JSON answer is of.
pub(crate) fn plain_tag_of_json(opaque: &str) -> &str {
    opaque.strip_suffix(Coding::Gzip.suffix()).unwrap_or(opaque)
}

/// The tag of the plain representation, whichever coding an opaque tag (without its quotes) is of.
pub(crate) fn plain_tag(opaque: &str) -> &str {
    [Coding::Brotli, Coding::Gzip]
        .into_iter()
        .find_map(|coding| opaque.strip_suffix(coding.suffix()))
        .unwrap_or(opaque)
}

/// The coding that a client likes best, by the values of its `Accept-Encoding`, of those there are, which stand in our own
/// order. Identity is sent to whoever names
/// none of them, and when it is liked better.
#[must_use]
pub fn choose<'a>(accepted: impl Iterator<Item = &'a str>, available: &[Coding]) -> Coding {
    let weights = Weights::of(accepted);
    let mut best = (
        Coding::Identity,
        weights.named(Coding::Identity).unwrap_or(0),
    );
    // From the last to the first, so that of several that are liked as much the first one wins.
    for coding in available.iter().rev() {
        let weight = weights.named(*coding).or(weights.others).unwrap_or(0);
        if weight > 0 && weight >= best.1 {
            best = (*coding, weight);
        }
    }
    best.0
}

/// How much a client likes codings, from 0 (not at all) to 1000.
#[derive(Default)]
struct Weights {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

impl Weights {
    fn of<'a>(accepted: impl Iterator<Item = &'a str>) -> Self {
        let mut weights = Self::default();
        let entries = accepted.flat_map(|value| value.split(','));
        for entry in entries.take(MAX_CODINGS) {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "br" => &mut weights.brotli,
                "gzip" | "x-gzip" => &mut weights.gzip,
                "identity" => &mut weights.identity,
                "*" => &mut weights.others,
                _ => continue,
            };
            *place = Some(quality(parameters));
        }
        weights
    }

    const fn named(&self, coding: Coding) -> Option<u16> {
        match coding {
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
            Coding::Identity => self.identity,
        }
    }
}

/// The weight in the parameters of a coding (RFC 9110 section 12.4.2); one that cannot be read counts as 0, so that nobody
/// gets what they may not be able to read.
fn quality(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return MAX_WEIGHT;
    }
    let value = parameters
        .strip_prefix(['q', 'Q'])
        .and_then(|rest| rest.trim_start().strip_prefix('='));
    let (whole, fraction) = match value.map(str::trim) {
        Some(value) => value.split_once('.').unwrap_or((value, "")),
        None => return 0,
    };
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().unwrap_or(0);
    match (whole, thousandths) {
        ("1", 0) => MAX_WEIGHT,
        ("0", thousandths) => thousandths,
        _ => 0,
    }
}

/// Decides whether an answer is compressed, by the values of `Accept-Encoding`, and sets the headers that say so. An
/// answer that carries a secret never is: its length would tell of it to whoever chooses a part of the request (the
/// BREACH attack).
pub(crate) fn negotiate(mut reply: Reply, accepted: &[HeaderValue]) -> Reply {
    let is_worth_it = (MIN_COMPRESSED_BYTES..=MAX_COMPRESSED_BYTES).contains(&reply.body.len());
    if !is_worth_it || reply.holds_secret || !is_negotiable(&reply.headers) {
        return reply;
    }
    headers::vary(&mut reply.headers, &header::ACCEPT_ENCODING);
    let values = accepted.iter().filter_map(|value| value.to_str().ok());
    if choose(values, &[Coding::Gzip]) != Coding::Gzip {
        return reply;
    }
    reply.headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(Coding::Gzip.name()),
    );
    let tag = reply
        .headers
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
        .and_then(|tag| HeaderValue::from_str(&Coding::Gzip.tag(tag)).ok());
    if let Some(tag) = tag {
        reply.headers.insert(header::ETAG, tag);
    }
    reply.is_to_be_compressed = true;
    reply
}

/// JSON whose coding has not been chosen yet.
fn is_negotiable(headers: &HeaderMap) -> bool {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == COMPRESSED_TYPE);
    is_json && !headers::varies(headers, &header::ACCEPT_ENCODING)
}

/// Compresses the body of an answer for which that was decided.
pub(crate) fn compress(mut reply: Reply) -> Reply {
    if !std::mem::take(&mut reply.is_to_be_compressed) {
        return reply;
    }
    match gzip(&reply.body) {
        Some(compressed) => reply.body = compressed,
        // Writing into memory does not fail.
        None => {
            reply.headers.remove(header::CONTENT_ENCODING);
        }
    }
    reply
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_coding_is_the_one_that_the_client_likes_best() {
        use Coding::{Brotli, Gzip, Identity};
        let ours = [Brotli, Gzip];
        for (values, expected) in [
            (&[][..], Identity),
            (&[""], Identity),
            (&["gzip"], Gzip),
            (&["x-gzip"], Gzip),
            (&["gzip, deflate, br"], Brotli),
            (&["gzip, deflate, br, zstd"], Brotli),
            (&["br;q=0.5, GZIP;q=0.8"], Gzip),
            (&["br;q=0.8;gzip"], Identity),
            (&["deflate", "gzip ; q=0.001"], Gzip),
            (&["identity, gzip;q=0.5"], Identity),
            (&["identity;q=0.5, gzip;q=0.5"], Gzip),
            (&["identity;q=0"], Identity),
            (&["identity;q=0, gzip"], Gzip),
            (&["*"], Brotli),
            (&["*;q=0"], Identity),
            (&["br;q=0, *"], Gzip),
            (&["gzip;q=0"], Identity),
            (&["gzip;q=0.000, br;q=1.000"], Brotli),
            (&["gzip;q=1.001"], Identity),
            (&["gzip;q=0.1234"], Identity),
            (&["gzip;q=x"], Identity),
            (&["gzip;level=9"], Identity),
            (&["gzipped, deflate"], Identity),
        ] {
            assert_eq!(
                choose(values.iter().copied(), &ours),
                expected,
                "{values:?}"
            );
        }
    }

    fn list() -> Reply {
        let entries: Vec<_> = (0..100)
            .map(|n| serde_json::json!({"name": "Tea", "stock": n}))
            .collect();
        Reply::json(&entries).unwrap()
    }

    fn negotiated(reply: Reply, accepted: &str) -> Reply {
        compress(negotiate(
            reply,
            &[HeaderValue::from_str(accepted).unwrap()],
        ))
    }

    #[test]
    fn a_long_answer_is_compressed_for_those_who_take_it() {
        let plain = list();
        let packed = negotiated(list().with_version(3, &[97]), "gzip, br");
        assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
        assert_eq!(packed.headers[header::VARY], "accept-encoding");
        assert_eq!(packed.headers[header::ETAG], "\"3-97-gzip\"");
        assert!(packed.body.len() * 3 < plain.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&*packed.body)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain.body);
        let other = negotiated(list().with_version(3, &[]), "br");
        assert_eq!(other.body, plain.body);
        assert_eq!(other.headers[header::VARY], "accept-encoding");
        assert_eq!(other.headers[header::ETAG], "\"3\"");
    }

    #[test]
    fn what_caches_may_keep_is_compressed_and_says_so_in_one_line() {
        let packed = negotiated(list().kept_by_caches(5), "gzip");
        assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
        let lines: Vec<_> = packed.headers.get_all(header::VARY).iter().collect();
        assert_eq!(lines, ["authorization, accept-encoding"]);
    }

    #[test]
    fn short_answers_other_types_and_secrets_stay_as_they_are() {
        let short = Reply::json(&"x".repeat(MIN_COMPRESSED_BYTES - 3)).unwrap();
        let long = Reply::json(&"x".repeat(MAX_COMPRESSED_BYTES)).unwrap();
        let text = Reply::text("x".repeat(9_999));
        for reply in [short, long, text, list().holding_secret()] {
            let body = reply.body.clone();
            let reply = negotiated(reply, "gzip");
            assert_eq!(reply.body, body);
            for name in [header::CONTENT_ENCODING, header::VARY] {
                assert!(!reply.headers.contains_key(name));
            }
        }
    }

    #[test]
    fn the_tag_of_a_coding_leads_back_to_the_plain_one() {
        for coding in [Coding::Brotli, Coding::Gzip, Coding::Identity] {
            let tag = coding.tag("\"3-97\"");
            let opaque = tag.trim_matches('"');
            assert_eq!(plain_tag(opaque), "3-97");
        }
    }

    proptest! {
        #[test]
        fn any_header_leads_to_a_coding(values in prop::collection::vec("[ -~]{0,60}", 0..3)) {
            let _ = choose(values.iter().map(String::as_str), &[Coding::Brotli, Coding::Gzip]);
        }
    }
}

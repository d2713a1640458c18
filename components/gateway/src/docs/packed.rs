//! Files that `build.rs` has packed: compressed once, at build time.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use mercato_edge::encoding::{self, Coding};
use mercato_edge::{Context, HeaderValue, Problem, Reply, StatusCode, header};
use mercato_platform::log;

/// Kept by whoever likes, and asked for again each time: the page and the document have one name for all builds.
pub const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Kept by whoever likes for a day: a file under a name that the page does not use.
pub const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Kept by whoever likes for good (a year, as long as caches keep anything): the name changes with the file.
pub const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file, compressed as it is sent to nearly everyone.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    pub(super) name: &'static str,
    /// The name with the tag in it.
    pub(super) tagged_name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) brotli: &'static [u8],
    pub(super) gzip: &'static [u8],
    pub(super) tag: &'static str,
}

/// A file that `build.rs` has packed under that name: `packed!("page.css", "text/css")`.
macro_rules! packed {
    ($name:literal, $content_type:literal) => {
        $crate::docs::packed::Packed {
            name: $name,
            tagged_name: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".name")),
            content_type: $content_type,
            brotli: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".br")),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            tag: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tag")),
        }
    };
}
pub(super) use packed;

impl Packed {
    /// The file, in the coding that the client likes best (RFC 9110 section 12.5.3). Each form has its own tag, as it
    /// must (section 8.8.3.3).
    pub(super) fn reply(&self, context: &Context, caching: HeaderValue) -> Result<Reply, Problem> {
        let accepted = context.header_values(&header::ACCEPT_ENCODING);
        let coding = encoding::choose(accepted, &[Coding::Brotli, Coding::Gzip]);
        let body = match coding {
            Coding::Brotli => Bytes::from_static(self.brotli),
            Coding::Gzip => Bytes::from_static(self.gzip),
            Coding::Identity => self.unpacked()?.into(),
        };
        let mut reply = Reply::with_body(StatusCode::OK, self.content_type, body)
            .with_header(
                header::ETAG,
                tag(&coding.tag(&format!("\"{}\"", self.tag)))?,
            )
            .with_header(header::CACHE_CONTROL, caching)
            .with_header(header::VARY, HeaderValue::from_static("accept-encoding"));
        if coding != Coding::Identity {
            let name = HeaderValue::from_static(coding.name());
            reply = reply.with_header(header::CONTENT_ENCODING, name);
        }
        Ok(reply)
    }

    fn unpacked(&self) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.gzip)
            .read_to_end(&mut bytes)
            .map_err(|error| broken(&error))?;
        Ok(bytes)
    }
}

fn tag(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::error::Error) -> Problem {
    let cause = error.to_string();
    log::error("a packed file is broken", &[("error", &cause)]);
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: Packed = packed!("page.css", "text/css");

    #[test]
    fn what_was_packed_comes_out_as_it_was() {
        let own = include_bytes!("../../assets/page.css");
        assert_eq!(SHEET.unpacked().unwrap(), own);
        let reply = SHEET.reply(&Context::default(), A_DAY).unwrap();
        assert_eq!((reply.status(), reply.body()), (StatusCode::OK, &own[..]));
        assert!(SHEET.brotli.len() < own.len() && SHEET.gzip.len() < own.len());
    }

    #[test]
    fn the_name_that_is_kept_for_good_has_the_tag_in_it() {
        assert_eq!(SHEET.tagged_name, format!("page.{}.css", SHEET.tag));
    }

    #[test]
    fn a_broken_file_is_our_fault() {
        let cut = Packed {
            gzip: &SHEET.gzip[..SHEET.gzip.len() / 2],
            ..SHEET
        };
        let problem = cut.reply(&Context::default(), A_DAY).unwrap_err();
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

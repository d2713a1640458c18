//! Files that `build.rs` has packed: compressed once, at build time.

use std::io::Read as _;

use flate2::read::GzDecoder;
use mercato_edge::{Context, HeaderValue, Problem, Reply, StatusCode, header};
use mercato_platform::log;

/// Kept by whoever likes, and asked for again each time: a new build must not meet old files.
const CACHING: HeaderValue = HeaderValue::from_static("no-cache");

/// A file, compressed as it is sent to nearly everyone.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) gzip: &'static [u8],
    pub(super) tag: &'static str,
}

/// A file that `build.rs` has packed under that name: `packed!("page.css", "text/css")`.
macro_rules! packed {
    ($name:literal, $content_type:literal) => {
        $crate::docs::packed::Packed {
            name: $name,
            content_type: $content_type,
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            tag: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tag")),
        }
    };
}
pub(super) use packed;

impl Packed {
    /// The file, compressed if the client says that it takes that (RFC 9110 section 12.5.3). Each form has its own tag,
    /// as it must (section 8.8.3.3).
    pub(super) fn reply(&self, context: &Context) -> Result<Reply, Problem> {
        let accepted = context.header(&header::ACCEPT_ENCODING);
        let reply = if accepted.is_some_and(names_gzip) {
            Reply::with_body(StatusCode::OK, self.content_type, self.gzip)
                .with_header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))
                .with_header(header::ETAG, tag(&format!("{}-gzip", self.tag))?)
        } else {
            Reply::with_body(StatusCode::OK, self.content_type, self.unpacked()?)
                .with_header(header::ETAG, tag(self.tag)?)
        };
        let vary = HeaderValue::from_static("accept-encoding");
        Ok(reply
            .with_header(header::CACHE_CONTROL, CACHING)
            .with_header(header::VARY, vary))
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
    HeaderValue::from_str(&format!("\"{text}\"")).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::error::Error) -> Problem {
    let cause = error.to_string();
    log::error("a packed file is broken", &[("error", &cause)]);
    Problem::internal()
}

/// Whether an `Accept-Encoding` names gzip with any weight but zero.
fn names_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip")
            && weight
                .trim()
                .parse::<f32>()
                .is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Packed = packed!("index.html", "text/html");

    #[test]
    fn gzip_is_sent_to_those_who_name_it() {
        for accepted in [
            "gzip",
            "gzip, deflate, br",
            "br;q=1.0, GZIP;q=0.5",
            "deflate,gzip ; q=0.001",
        ] {
            assert!(names_gzip(accepted), "{accepted}");
        }
        for accepted in [
            "",
            "identity",
            "*",
            "br",
            "gzip;q=0",
            "gzip; q=0.0",
            "gzipped",
            "gzip;q=x",
        ] {
            assert!(!names_gzip(accepted), "{accepted}");
        }
    }

    #[test]
    fn what_was_packed_comes_out_as_it_was() {
        let own = include_bytes!("../../assets/index.html");
        assert_eq!(PAGE.unpacked().unwrap(), own);
        let reply = PAGE.reply(&Context::default()).unwrap();
        assert_eq!((reply.status(), reply.body()), (StatusCode::OK, &own[..]));
    }

    #[test]
    fn a_broken_file_is_our_fault() {
        let cut = Packed {
            gzip: &PAGE.gzip[..PAGE.gzip.len() / 2],
            ..PAGE
        };
        assert_eq!(
            cut.reply(&Context::default()).unwrap_err().status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}

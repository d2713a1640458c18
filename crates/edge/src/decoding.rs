//! Content codings of requests (RFC 9110 section 8.4): gzip is unpacked while the body arrives, every other is refused.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use flate2::write::GzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;

use crate::Problem;
use crate::encoding::Coding;
use crate::stream::BoxError;

/// What clients may send.
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, identity");

/// Most members of one gzip body (RFC 1952 section 2.2): each costs time, also an empty one. A body of the largest size in
/// members of 64 KiB, as some programs make them, has fewer.
const MEMBERS_MAX: u32 = 2_048;

/// The coding in which the body of a request comes.
///
/// # Errors
/// 415 when it is none that is unpacked here, or more than one.
pub(crate) fn of_request(headers: &HeaderMap) -> Result<Coding, Problem> {
    let mut coding = Coding::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let names = value.to_str().map_err(|_| unsupported())?.split(',');
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("identity") {
                continue;
            }
            if coding != Coding::Identity || !(is("gzip") || is("x-gzip")) {
                return Err(unsupported());
            }
            coding = Coding::Gzip;
        }
    }
    Ok(coding)
}

/// 415, naming what is accepted (RFC 9110 section 12.5.3).
pub(crate) fn unsupported() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-encoding",
        "Unsupported content encoding",
        "send the body as it is, without Content-Encoding, or with Content-Encoding: gzip",
    )
    .with_header(header::ACCEPT_ENCODING, ACCEPTED)
}

/// The body is not what its `Content-Encoding` says.
#[derive(Debug, thiserror::Error)]
#[error("not gzip: {0}")]
pub(crate) struct NotGzip(#[from] io::Error);

/// A body that is unpacked piece by piece: never more of it is held than was received at once and some 64 KiB.
pub(crate) struct Gunzipped<B> {
    body: Pin<Box<B>>,
    decoder: GzDecoder<Vec<u8>>,
    /// Received, and not unpacked yet.
    packed: Bytes,
    /// Of the present member, something has come.
    has_begun: bool,
    members: u32,
    has_ended: bool,
}

impl<B> Gunzipped<B> {
    pub(crate) fn new(body: B) -> Self {
        Self {
            body: Box::pin(body),
            decoder: GzDecoder::new(Vec::new()),
            packed: Bytes::new(),
            has_begun: false,
            members: 0,
            has_ended: false,
        }
    }

    /// Unpacks something of what was received.
    fn unpack(&mut self) -> Result<Bytes, NotGzip> {
        let taken = self.decoder.write(&self.packed)?;
        if taken == 0 {
            return self.end_member();
        }
        self.has_begun = true;
        self.packed.advance(taken);
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }

    /// Checks that the member is complete and undamaged; another one may follow.
    fn end_member(&mut self) -> Result<Bytes, NotGzip> {
        self.members += 1;
        if !self.has_begun || self.members > MEMBERS_MAX {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        self.has_begun = false;
        let member = std::mem::replace(&mut self.decoder, GzDecoder::new(Vec::new()));
        Ok(member.finish()?.into())
    }
}

impl<B> http_body::Body for Gunzipped<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            let unpacked = if !this.packed.is_empty() {
                this.unpack()
            } else if this.has_ended {
                return Poll::Ready(None);
            } else {
                match ready!(this.body.as_mut().poll_frame(context)) {
                    Some(Ok(frame)) => {
                        // Trailers say nothing that anyone here asks for.
                        this.packed = frame.into_data().unwrap_or_default();
                        continue;
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => {
                        this.has_ended = true;
                        if !this.has_begun {
                            return Poll::Ready(None);
                        }
                        this.end_member()
                    }
                }
            };
            match unpacked {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(error) => {
                    this.has_ended = true;
                    this.packed.clear();
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(values: &[&'static str]) -> Result<Coding, u16> {
        let header =
            |value: &&'static str| (header::CONTENT_ENCODING, HeaderValue::from_static(value));
        of_request(&values.iter().map(header).collect())
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn gzip_is_unpacked_and_what_is_not_packed_is_left_alone() {
        for values in [&[][..], &[""], &["identity"], &["identity, Identity", ","]] {
            assert_eq!(coding(values), Ok(Coding::Identity), "{values:?}");
        }
        for values in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["identity", "gzip, identity"],
        ] {
            assert_eq!(coding(values), Ok(Coding::Gzip), "{values:?}");
        }
    }

    #[test]
    fn every_other_coding_is_refused() {
        for values in [
            &["br"][..],
            &["deflate"],
            &["zstd"],
            &["gzip, gzip"],
            &["gzip", "br"],
            &["br, gzip"],
            &["gzipped"],
            &["gzip;q=1"],
            &["*"],
        ] {
            assert_eq!(coding(values), Err(415), "{values:?}");
        }
        let problem = unsupported();
        assert_eq!(problem.code(), "unsupported-encoding");
        assert_eq!(problem.headers()[header::ACCEPT_ENCODING], "gzip, identity");
    }
}

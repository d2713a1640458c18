//! A request's body, taken piece by piece.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::Problem;
use crate::decoding::{Gunzipped, NotGzip};

/// Whatever may go wrong while a body arrives.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

type BoxBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError>>>;

/// A request's body, taken piece by piece, up to a number of bytes. Clones share the body: what one has taken is gone for the others.
#[derive(Clone, Default)]
pub struct BodyStream {
    body: Rc<RefCell<Option<BoxBody>>>,
    max_bytes: u64,
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BodyStream")
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl BodyStream {
    /// A body of which at most `max_bytes` are taken.
    pub fn new<B>(body: B, max_bytes: u64) -> Self
    where
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
    {
        let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let body: BoxBody = Box::pin(Limited::new(body, limit));
        Self {
            body: Rc::new(RefCell::new(Some(body))),
            max_bytes,
        }
    }

    /// A body that comes in gzip, of which at most `max_bytes` are taken, packed and unpacked.
    pub(crate) fn gunzipped<B>(body: B, max_bytes: u64) -> Self
    where
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
    {
        let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        Self::new(Gunzipped::new(Limited::new(body, limit)), max_bytes)
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// 413 when the body is larger than it may be, 400 when it breaks off or is not gzip though it should be.
    pub async fn next(&self) -> Result<Option<Bytes>, Problem> {
        // Taken out while it is awaited: nobody else may hold the cell meanwhile.
        let Some(mut body) = self.body.take() else {
            return Ok(None);
        };
        loop {
            match body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.broken(&error)),
                Some(Ok(frame)) => {
                    // Trailers say nothing that anyone here asks for.
                    if let Ok(data) = frame.into_data() {
                        self.body.replace(Some(body));
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body at once.
    ///
    /// # Errors
    /// As [`BodyStream::next`].
    pub async fn collect(&self) -> Result<Bytes, Problem> {
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&second);
        while let Some(data) = self.next().await? {
            all.extend_from_slice(&data);
        }
        Ok(all.freeze())
    }

    fn broken(&self, error: &BoxError) -> Problem {
        if error.is::<LengthLimitError>() {
            return too_large(self.max_bytes);
        }
        if error.is::<NotGzip>() {
            return damaged();
        }
        incomplete()
    }
}

/// 400 for what cannot be unpacked.
pub fn damaged() -> Problem {
    Problem::bad_request(
        "invalid-encoding",
        "the body is not the gzip that Content-Encoding says it is, or is damaged",
    )
}

/// 400 for a body that breaks off.
pub fn incomplete() -> Problem {
    Problem::bad_request("incomplete-body", "the body ended early")
}

/// 413, naming the limit.
pub fn too_large(max_bytes: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "Payload too large",
        format!("the body must not be larger than {max_bytes} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::Write as _;
    use std::task::{Context, Poll};

    use flate2::{Compression, write::GzEncoder};
    use http_body::Frame;
    use mercato_testing::run;
    use proptest::prelude::*;

    use super::*;

    struct Pieces(VecDeque<Result<Frame<Bytes>, &'static str>>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| piece.map_err(Into::into)))
        }
    }

    fn stream(pieces: &[&'static str], max_bytes: u64) -> BodyStream {
        let frame = |piece: &&'static str| match *piece {
            "!" => Err("reset"),
            "trailers" => Ok(Frame::trailers(http::HeaderMap::new())),
            text => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
        };
        BodyStream::new(Pieces(pieces.iter().map(frame).collect()), max_bytes)
    }

    #[test]
    fn pieces_come_one_by_one_and_trailers_are_passed_over() {
        let stream = stream(&["ab", "trailers", "c"], 10);
        assert_eq!(run(stream.next()).unwrap().unwrap(), "ab");
        assert_eq!(run(stream.clone().next()).unwrap().unwrap(), "c");
        assert_eq!(run(stream.next()).unwrap(), None);
        assert_eq!(run(stream.next()).unwrap(), None);
        assert_eq!(run(BodyStream::default().next()).unwrap(), None);
    }

    #[test]
    fn a_body_is_collected_up_to_its_limit() {
        assert_eq!(
            run(stream(&["ab", "c", "de"], 5).collect()).unwrap(),
            "abcde"
        );
        let problem = run(stream(&["ab", "c", "def"], 5).collect()).unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (413, "payload-too-large")
        );
    }

    /// Pieces of that many bytes.
    fn in_pieces(body: &[u8], bytes: usize) -> Pieces {
        let frame = |piece| Ok(Frame::data(Bytes::copy_from_slice(piece)));
        Pieces(body.chunks(bytes).map(frame).collect())
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8], piece_bytes: usize, max_bytes: u64) -> Result<Bytes, (u16, String)> {
        let stream = BodyStream::gunzipped(in_pieces(packed, piece_bytes), max_bytes);
        let code = |problem: Problem| (problem.status().as_u16(), problem.code().to_owned());
        run(stream.collect()).map_err(code)
    }

    #[test]
    fn gzip_is_unpacked_in_whatever_pieces_it_comes() {
        let text = "sku,price\n".repeat(20_000);
        let packed = gzip(text.as_bytes());
        for piece_bytes in [1, 7, 1_000, packed.len()] {
            assert_eq!(unpack(&packed, piece_bytes, 1_000_000).unwrap(), text);
        }
        let two = [gzip(b"a,"), gzip(b""), gzip(b"b")].concat();
        assert_eq!(unpack(&two, 5, 100).unwrap(), "a,b");
        assert_eq!(unpack(&gzip(b""), 5, 100).unwrap(), "");
        assert_eq!(unpack(b"", 5, 100).unwrap(), "");
    }

    #[test]
    fn the_limit_is_for_what_is_unpacked_and_for_what_is_sent() {
        let too_large = Err((413, "payload-too-large".to_owned()));
        let packed = gzip(&[b'x'; 1_000]);
        assert_eq!(unpack(&packed, 9, 1_000).unwrap().len(), 1_000);
        assert_eq!(unpack(&packed, 9, 999), too_large);
        // Ten megabytes in ten kilobytes: no more is unpacked than may be taken.
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 11_000);
        let stream = BodyStream::gunzipped(in_pieces(&bomb, bomb.len()), 65_536);
        let mut taken = 0;
        let problem = loop {
            match run(stream.next()) {
                Ok(piece) => taken += piece.unwrap().len(),
                Err(problem) => break problem,
            }
        };
        assert_eq!(problem.status().as_u16(), 413);
        assert!(taken <= 65_536, "{taken}");
        let stored = gzip(&[]).repeat(10);
        assert_eq!(unpack(&stored, 7, 100), too_large);
    }

    #[test]
    fn what_is_not_gzip_is_a_bad_request() {
        let packed = gzip(b"some text that is long enough to be cut");
        let mut damaged = packed.clone();
        damaged[20] ^= 1;
        let mut wrong_sum = packed.clone();
        let end = wrong_sum.len();
        wrong_sum[end - 8] ^= 1;
        let trailing = [&*packed, b"x"].concat();
        let members = gzip(b"").repeat(2_049);
        let bodies: [&[u8]; 9] = [
            b"{}",
            b"\x1f",
            &packed[..5],
            &packed[..20],
            &packed[..end - 1],
            &damaged,
            &wrong_sum,
            &trailing,
            &members,
        ];
        for (index, body) in bodies.into_iter().enumerate() {
            for piece_bytes in [1, 1_000_000] {
                let refused = unpack(body, piece_bytes, 1_000_000);
                assert_eq!(
                    refused,
                    Err((400, "invalid-encoding".to_owned())),
                    "{index}"
                );
            }
        }
    }

    #[test]
    fn a_packed_body_that_breaks_off_is_incomplete() {
        let packed = gzip(b"abc");
        let mut pieces = in_pieces(&packed[..10], 10);
        pieces.0.push_back(Err("reset"));
        let stream = BodyStream::gunzipped(pieces, 100);
        let problem = run(stream.collect()).unwrap_err();
        assert_eq!(problem.code(), "incomplete-body");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_or_are_refused(
            body in prop::collection::vec(any::<u8>(), 0..500),
            piece_bytes in 1_usize..50,
        ) {
            prop_assert_eq!(unpack(&gzip(&body), piece_bytes, 600).unwrap(), &body);
            if let Err((status, _)) = unpack(&body, piece_bytes, 600) {
                prop_assert_eq!(status, 400);
            }
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_a_bad_request() {
        let problem = run(stream(&["ab", "!"], 5).collect()).unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (400, "incomplete-body")
        );
    }
}

//! The heads of requests as they come over the wire. The HTTP parser takes some that others on the way would cut
//! differently, and does not say so; these are found here, before it sees them (RFC 9112 sections 2.2, 5.1, 5.2, 6.3).

use memchr::memchr;

/// Bytes of a line that are kept until the rest of it comes. No field that is looked at is longer.
const LINE_BYTES_KEPT: usize = 256;
/// Digits of the longest `Content-Length` that is understood.
const LENGTH_DIGITS_MAX: usize = 19;
/// Takes the place of the end of a line: no parser accepts it.
const SPOILED: u8 = 0;
/// What the parser takes for the end of a head. It looks again at a head that comes in pieces only when it sees one.
pub(crate) const END_OF_HEAD: &[u8] = b"\n\n";

/// Follows the requests of one connection.
#[derive(Default)]
pub(crate) struct HeadScanner {
    state: State,
    framing: Framing,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Before a request, where empty lines mean nothing.
    #[default]
    Between,
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// Nothing of what follows is taken for a request.
    Over,
}

/// What a head has said of its body so far.
#[derive(Clone, Copy, Default)]
struct Framing {
    length: Option<u64>,
    is_chunked: bool,
}

/// A head that can be understood in two ways.
#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

impl HeadScanner {
    /// Looks at the next bytes that have come. The line that makes a head ambiguous loses its end, so that the parser
    /// refuses the request. True when that has just happened: [`END_OF_HEAD`] must follow.
    pub(crate) fn scan(&mut self, bytes: &mut [u8]) -> bool {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Over => return false,
                State::Body(left) => {
                    let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(left);
                    at += usize::try_from(here).unwrap_or(rest.len());
                    self.state = after_body(left - here);
                }
                State::Between | State::Head => {
                    let Some(end) = memchr(b'\n', rest) else {
                        self.keep(rest.len(), bytes, at);
                        return false;
                    };
                    let taken = if self.line.is_empty() {
                        self.line(rest.get(..end).unwrap_or_default())
                    } else {
                        self.keep(end, bytes, at);
                        let line = std::mem::take(&mut self.line);
                        self.line(&line)
                    };
                    at += end;
                    if taken.is_err() {
                        self.state = State::Over;
                        if let Some(end) = bytes.get_mut(at) {
                            *end = SPOILED;
                        }
                        return true;
                    }
                    at += 1;
                }
            }
        }
        false
    }

    /// Keeps so many bytes of a line; of a long one the beginning and the last byte.
    fn keep(&mut self, count: usize, bytes: &[u8], at: usize) {
        let Some(new) = bytes.get(at..at + count) else {
            return;
        };
        let room = LINE_BYTES_KEPT.saturating_sub(self.line.len());
        self.line.extend_from_slice(new.get(..room).unwrap_or(new));
        if new.len() > room
            && let (Some(kept), Some(last)) = (self.line.last_mut(), new.last())
        {
            *kept = *last;
        }
    }

    /// Takes a line without its line feed.
    fn line(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let line = line.strip_suffix(b"\r").ok_or(Ambiguous)?;
        match (self.state, line.first()) {
            (State::Between, None) => {}
            (State::Between, Some(_)) => {
                self.state = State::Head;
                self.framing = Framing::default();
            }
            (_, None) => self.state = self.framing.after_head(),
            (_, Some(b' ' | b'\t')) => return Err(Ambiguous),
            (_, Some(b'c' | b'C' | b't' | b'T')) => self.framing.field(line)?,
            (_, Some(_)) => {}
        }
        Ok(())
    }
}

fn after_body(left_bytes: u64) -> State {
    if left_bytes == 0 {
        State::Between
    } else {
        State::Body(left_bytes)
    }
}

impl Framing {
    /// Takes a field that may say how long the body is.
    fn field(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let Some((name, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon))
        else {
            return Ok(());
        };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let is = |field: &[u8]| name.trim_ascii_end().eq_ignore_ascii_case(field);
        let (is_length, is_coding) = (is(b"content-length"), is(b"transfer-encoding"));
        if !is_length && !is_coding {
            return Ok(());
        }
        if name.ends_with(b" ") || name.ends_with(b"\t") {
            return Err(Ambiguous);
        }
        // One of the two, once.
        if self.is_chunked || self.length.is_some() {
            return Err(Ambiguous);
        }
        if is_length {
            self.length = Some(number(value).ok_or(Ambiguous)?);
        } else if value.eq_ignore_ascii_case(b"chunked") {
            self.is_chunked = true;
        } else {
            return Err(Ambiguous);
        }
        Ok(())
    }

    /// A connection ends after a body in chunks, so it is not looked for.
    fn after_head(self) -> State {
        if self.is_chunked {
            State::Over
        } else {
            after_body(self.length.unwrap_or_default())
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number =
        (1..=LENGTH_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser gets to see of bytes that come in pieces of a size; a spoiled byte shows as `#`.
    fn seen(bytes: &str, piece_bytes: usize) -> String {
        let mut heads = HeadScanner::default();
        let mut seen = Vec::new();
        for piece in bytes.as_bytes().chunks(piece_bytes) {
            let mut piece = piece.to_vec();
            heads.scan(&mut piece);
            seen.extend(piece);
        }
        String::from_utf8(seen).unwrap().replace('\0', "#")
    }

    #[track_caller]
    fn expect(bytes: &str, expected: &str) {
        for piece_bytes in [1, 2, 3, 7, 4096] {
            assert_eq!(
                seen(bytes, piece_bytes),
                expected,
                "{piece_bytes} at a time"
            );
        }
    }

    fn expect_unchanged(bytes: &str) {
        expect(bytes, bytes);
    }

    #[test]
    fn what_spoils_a_head_is_reported_once() {
        let mut heads = HeadScanner::default();
        assert!(!heads.scan(&mut b"GET / HTTP/1.1\r".to_vec()));
        assert!(!heads.scan(&mut b"\nA: b".to_vec()));
        assert!(heads.scan(&mut b"\n\r\n".to_vec()));
        assert!(!heads.scan(&mut b"A: b\n\r\n".to_vec()));
    }

    #[test]
    fn ordinary_requests_pass_one_after_the_other() {
        expect_unchanged("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        expect_unchanged("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nCookie: c\r\nTE: t\r\n\r\n");
        let long = "x".repeat(3 * LINE_BYTES_KEPT);
        expect_unchanged(&format!("GET /{long} HTTP/1.1\r\nTag: {long}\r\n\r\n"));
    }

    #[test]
    fn what_stands_in_a_body_is_no_head() {
        expect_unchanged(
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\n\nb\nGET / HTTP/1.1\r\nA: b\r\n\r\n",
        );
        expect_unchanged(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
        );
        expect(
            "POST / HTTP/1.1\r\ncontent-length:  1 \r\n\r\nxGET / HTTP/1.1\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length:  1 \r\n\r\nxGET / HTTP/1.1#\r\n",
        );
    }

    #[test]
    fn a_bare_line_feed_spoils_the_head() {
        expect(
            "GET / HTTP/1.1\nA: b\r\n\r\n",
            "GET / HTTP/1.1#A: b\r\n\r\n",
        );
        expect(
            "GET / HTTP/1.1\r\nA: b\n\r\n",
            "GET / HTTP/1.1\r\nA: b#\r\n",
        );
        expect(
            "GET / HTTP/1.1\r\nA: b\r\n\n",
            "GET / HTTP/1.1\r\nA: b\r\n#",
        );
        expect("\nGET / HTTP/1.1\r\n\r\n", "#GET / HTTP/1.1\r\n\r\n");
        let long = "x".repeat(3 * LINE_BYTES_KEPT);
        let (before, after) = (format!("GET /{long} HTTP/1.1"), "A: b\r\n\r\n");
        expect(&format!("{before}\n{after}"), &format!("{before}#{after}"));
    }

    #[test]
    fn a_body_has_one_length_or_comes_in_chunks() {
        let spoils = |fields: &str| {
            let head = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n");
            [1, 5, 4096]
                .map(|piece_bytes| seen(&head, piece_bytes).contains('#'))
                .iter()
                .all(|spoiled| *spoiled)
        };
        for fields in [
            "Content-Length: 2\r\nContent-Length: 2",
            "Content-Length: 2\r\nA: b\r\ncontent-length: 3",
            "Content-Length: 2, 2",
            "Content-Length: +2",
            "Content-Length: -2",
            "Content-Length: 0x2",
            "Content-Length: 2 2",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Content-Length : 2",
            "Content-Length\t: 2",
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 2",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: identity",
            "A: b\r\n c: d",
            "A: b\r\n\tContent-Length: 2",
        ] {
            assert!(spoils(fields), "{fields}");
        }
        for fields in [
            "Content-Length: 0",
            "content-length:7",
            "Transfer-Encoding:CHUNKED ",
            "Content-Type: a/b\r\nTrailer: x\r\nCookie: Content-Length: 2",
        ] {
            assert!(!spoils(fields), "{fields}");
        }
    }

    #[test]
    fn a_long_length_is_none_however_it_comes() {
        let zeros = "0".repeat(3 * LINE_BYTES_KEPT);
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {zeros}2\r\n\r\n");
        for piece_bytes in [1, 64, 4096] {
            assert!(seen(&head, piece_bytes).contains('#'), "{piece_bytes}");
        }
    }
}

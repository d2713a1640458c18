//! Forms with files in them, `multipart/form-data` (RFC 7578, RFC 2046 section 5.1), part by part and piece by piece.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use crate::Problem;

/// The media type of such forms.
pub const MULTIPART: &str = "multipart/form-data";

/// Longest boundary, in characters (RFC 2046 section 5.1.1).
const MAX_BOUNDARY_CHARS: usize = 70;

/// Longest head of a part, in bytes.
const MAX_PART_HEAD_BYTES: usize = 8 * 1024;

const CODE: &str = "malformed-multipart";

const LINE_END: &[u8] = b"\r\n";

/// What the next bytes of a form are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormPiece {
    /// The head of a part.
    Head(PartHead),
    /// Bytes of the part whose head came last.
    Data(Bytes),
}

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    /// Name of the field.
    pub name: String,
    /// Name of the file, if it is one.
    pub file_name: Option<String>,
    /// Its media type in small letters, without parameters.
    pub media_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In front of the first part.
    Preamble,
    /// Behind a delimiter, which the rest of its line makes the beginning of a part or the end of the form.
    Delimiter,
    Head,
    Data,
    /// The form is over. What follows means nothing.
    Over,
}

/// Takes the parts out of a form. Holds one piece of the body at a time, and the head of a part.
#[derive(Debug)]
pub struct Multipart {
    /// What stands in front of each part: a line end, two hyphens and the boundary.
    delimiter: Vec<u8>,
    state: State,
    buffer: BytesMut,
}

impl Multipart {
    /// For a body with that `Content-Type`.
    ///
    /// # Errors
    /// 400 when it names no boundary.
    pub fn of(content_type: &str) -> Result<Self, Problem> {
        let boundary = parameter(content_type, "boundary").unwrap_or_default();
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        if boundary.is_empty()
            || boundary.len() > MAX_BOUNDARY_CHARS
            || boundary.ends_with(' ')
            || !boundary.bytes().all(is_allowed)
        {
            return Err(malformed(
                "the Content-Type of a form must name its boundary, of 1 to 70 characters",
            ));
        }
        Ok(Self {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            state: State::Preamble,
            // The first delimiter may stand at the very beginning.
            buffer: BytesMut::from(LINE_END),
        })
    }

    /// Adds the next piece of the body. Pieces that were added before must have been taken with [`Multipart::next_piece`].
    pub fn push(&mut self, piece: &[u8]) {
        if self.state != State::Over {
            self.buffer.extend_from_slice(piece);
        }
    }

    /// What comes next; `None` when that needs more of the body, or the form is over.
    ///
    /// # Errors
    /// 400 when the form is malformed.
    pub fn next_piece(&mut self) -> Result<Option<FormPiece>, Problem> {
        loop {
            match self.state {
                State::Over => {
                    self.buffer.clear();
                    return Ok(None);
                }
                State::Preamble => {
                    let is_found = self.take_data().1;
                    if !is_found {
                        return Ok(None);
                    }
                }
                State::Data => match self.take_data() {
                    (data, false) if data.is_empty() => return Ok(None),
                    (data, true) if data.is_empty() => {}
                    (data, _) => return Ok(Some(FormPiece::Data(data))),
                },
                State::Delimiter => {
                    if !self.take_rest_of_delimiter()? {
                        return Ok(None);
                    }
                }
                State::Head => return Ok(self.take_head()?.map(FormPiece::Head)),
            }
        }
    }

    /// The body is over.
    ///
    /// # Errors
    /// 400 when the form is not.
    pub fn finish(&self) -> Result<(), Problem> {
        if self.state == State::Over {
            Ok(())
        } else {
            Err(malformed("the form ends without its last boundary"))
        }
    }

    /// Takes what stands in front of the next delimiter, and the delimiter, if that is there.
    fn take_data(&mut self) -> (Bytes, bool) {
        if let Some(position) = memmem::find(&self.buffer, &self.delimiter) {
            let data = self.buffer.split_to(position).freeze();
            self.buffer.advance(self.delimiter.len());
            self.state = State::Delimiter;
            return (data, true);
        }
        // What is held back may be the beginning of a delimiter.
        let held = self.delimiter.len().saturating_sub(1);
        let length = self.buffer.len().saturating_sub(held);
        (self.buffer.split_to(length).freeze(), false)
    }

    /// Takes the rest of the line of a delimiter up to its line end; says whether that was there.
    fn take_rest_of_delimiter(&mut self) -> Result<bool, Problem> {
        if self.buffer.starts_with(b"--") {
            self.state = State::Over;
            return Ok(true);
        }
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let blanks = self.buffer.iter().take_while(|byte| is_blank(byte)).count();
        let rest = self.buffer.get(blanks..).unwrap_or_default();
        if rest.starts_with(LINE_END) && blanks <= MAX_PART_HEAD_BYTES {
            self.buffer.advance(blanks);
            self.state = State::Head;
            return Ok(true);
        }
        let may_continue = LINE_END.starts_with(rest) || (blanks == 0 && b"--".starts_with(rest));
        if may_continue && blanks <= MAX_PART_HEAD_BYTES {
            Ok(false)
        } else {
            Err(malformed("a line begins with the boundary and goes on"))
        }
    }

    /// Takes the head of a part, in front of which the line end of the delimiter still stands.
    fn take_head(&mut self) -> Result<Option<PartHead>, Problem> {
        let end = memmem::find(&self.buffer, b"\r\n\r\n");
        if end.unwrap_or(self.buffer.len()) > MAX_PART_HEAD_BYTES {
            let detail =
                format!("the head of a part must not have more than {MAX_PART_HEAD_BYTES} bytes");
            return Err(malformed(&detail));
        }
        let Some(end) = end else {
            return Ok(None);
        };
        let head = self.buffer.split_to(end);
        self.buffer.advance(2 * LINE_END.len());
        self.state = State::Data;
        read_head(&head).map(Some)
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::bad_request(CODE, detail)
}

fn read_head(head: &[u8]) -> Result<PartHead, Problem> {
    let unreadable = || malformed("the head of a part cannot be read");
    let head = std::str::from_utf8(head).map_err(|_| unreadable())?;
    let mut part = PartHead::default();
    let mut is_named = false;
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(unreadable)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let is_form_data = media_type(value) == "form-data";
                let name = parameter(value, "name").filter(|_| is_form_data && !is_named);
                part.name = name.ok_or_else(|| malformed("a part of the form has no name"))?;
                part.file_name = parameter(value, "filename");
                is_named = true;
            }
            "content-type" => part.media_type = Some(media_type(value)),
            "content-transfer-encoding" => {
                let encoding = value.to_ascii_lowercase();
                if !matches!(encoding.as_str(), "7bit" | "8bit" | "binary") {
                    return Err(malformed(
                        "a part of a form must be sent as it is (RFC 7578 section 4.7)",
                    ));
                }
            }
            _ => {}
        }
    }
    if is_named {
        Ok(part)
    } else {
        Err(malformed("a part of the form has no name"))
    }
}

/// The part of a header's value in front of its parameters, in small letters.
fn media_type(value: &str) -> String {
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// A parameter of a header's value, as in `text/csv; header=present`. Its value may stand in quotes, with backslashes in
/// front of quotes and backslashes.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = value.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = parameter_value(after.trim_start())?;
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// The value at the beginning of a text, and what follows it.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(position.saturating_add(1)..)?)),
            // Some browsers of old sent paths of Windows with single backslashes.
            '\\' if quoted
                .get(position.saturating_add(1)..)?
                .starts_with(['"', '\\']) =>
            {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(boundary: &str) -> Multipart {
        Multipart::of(&format!("multipart/form-data; boundary={boundary}")).unwrap()
    }

    /// The parts of a form that comes in these pieces.
    fn parts<'a>(
        boundary: &str,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<(PartHead, Vec<u8>)>, String> {
        let mut form = form(boundary);
        let mut parts: Vec<(PartHead, Vec<u8>)> = Vec::new();
        let detail = |problem: Problem| {
            assert_eq!((problem.status().as_u16(), problem.code()), (400, CODE));
            problem.document("/", "r", "t")["detail"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        for piece in pieces {
            form.push(piece);
            while let Some(next) = form.next_piece().map_err(detail)? {
                match next {
                    FormPiece::Head(head) => parts.push((head, Vec::new())),
                    FormPiece::Data(data) => {
                        assert!(!data.is_empty());
                        parts.last_mut().unwrap().1.extend_from_slice(&data);
                    }
                }
            }
        }
        form.finish().map_err(detail)?;
        Ok(parts)
    }

    fn whole(text: &str) -> Result<Vec<(PartHead, Vec<u8>)>, String> {
        parts("b", [text.as_bytes()])
    }

    fn head(name: &str, file_name: Option<&str>, media_type: Option<&str>) -> PartHead {
        PartHead {
            name: name.to_owned(),
            file_name: file_name.map(str::to_owned),
            media_type: media_type.map(str::to_owned),
        }
    }

    #[test]
    fn a_form_is_read_as_a_browser_writes_it() {
        let text = concat!(
            "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n",
            "--b\r\ncontent-disposition: form-data; name=file; filename=\"a \\\"b\\\";c.csv\"\r\n",
            "Content-Type: Text/CSV; charset=utf-8\r\n\r\n\r\nsku\r\n--a\r\n\r\n",
            "--b  \r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n",
            "--b--\r\nwhat follows means nothing --b",
        );
        let expected = [
            (head("note", None, None), b"hello".to_vec()),
            (
                head("file", Some("a \"b\";c.csv"), Some("text/csv")),
                b"\r\nsku\r\n--a\r\n".to_vec(),
            ),
            (head("empty", None, None), Vec::new()),
        ];
        assert_eq!(whole(text).unwrap(), expected);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(parts("b", bytes).unwrap(), expected);
        assert_eq!(whole(&format!("preamble\r\n{text}")).unwrap(), expected);
    }

    #[test]
    fn a_form_that_cannot_be_read_says_why() {
        let disposition = "Content-Disposition: form-data; name=a";
        let long = format!(
            "--b\r\n{disposition}\r\nX: {}\r\n\r\n",
            "x".repeat(MAX_PART_HEAD_BYTES)
        );
        for (text, why) in [
            ("", "last boundary"),
            ("sku\nA\n", "last boundary"),
            (
                &*format!("--b\r\n{disposition}\r\n\r\nsku"),
                "last boundary",
            ),
            (
                &*format!("--b\r\n{disposition}\r\n\r\nsku\r\n--b"),
                "last boundary",
            ),
            (
                &*format!("--b\r\n{disposition}\r\n\r\nsku\r\n--bc\r\n"),
                "goes on",
            ),
            ("--b\n", "goes on"),
            ("--b\r\n\r\nsku\r\n--b--", "no name"),
            (
                "--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--",
                "no name",
            ),
            (
                "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--b--",
                "no name",
            ),
            (
                &*format!("--b\r\n{disposition}\r\n{disposition}\r\n\r\n\r\n--b--"),
                "no name",
            ),
            ("--b\r\nno colon\r\n\r\n\r\n--b--", "cannot be read"),
            (
                &*format!(
                    "--b\r\n{disposition}\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--b--"
                ),
                "as it is",
            ),
            (&*long, "more than 8192 bytes"),
        ] {
            let detail = whole(text).unwrap_err();
            assert!(detail.contains(why), "{text:?}: {detail}");
        }
    }

    #[test]
    fn a_boundary_must_be_there_and_be_one() {
        for declared in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=a*b",
            &*format!("multipart/form-data; boundary={}", "a".repeat(71)),
        ] {
            let problem = Multipart::of(declared).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (400, CODE),
                "{declared}"
            );
        }
        for declared in [
            "multipart/form-data; charset=utf-8; Boundary=\"a b\"",
            "multipart/form-data;boundary=----WebKitFormBoundaryx1",
        ] {
            assert!(Multipart::of(declared).is_ok(), "{declared}");
        }
    }

    #[test]
    fn no_more_is_held_than_a_delimiter_could_have() {
        let mut form = form("b");
        form.push(b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n");
        while form.next_piece().unwrap().is_some() {}
        for _ in 0..100 {
            form.push(&[b'\r'; 10_000]);
            while form.next_piece().unwrap().is_some() {}
            assert!(form.buffer.len() < form.delimiter.len());
        }
    }

    proptest! {
        #[test]
        fn data_comes_out_as_it_went_in_whatever_the_pieces(
            data in prop::collection::vec(
                prop::collection::vec(prop::sample::select(b"\r\n-bBx".to_vec()), 0..40),
                0..4,
            ),
            sizes in prop::collection::vec(1_usize..9, 1..20),
        ) {
            let is_free = |part: &Vec<u8>| {
                let lines = [b"\r\n", part.as_slice()].concat();
                memmem::find(&lines, b"\r\n--bB").is_none()
            };
            prop_assume!(data.iter().all(is_free));
            let mut text = Vec::new();
            for part in &data {
                text.extend_from_slice(b"--bB\r\nContent-Disposition: form-data; name=a\r\n\r\n");
                text.extend_from_slice(part);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"--bB--");
            let mut pieces = Vec::new();
            let mut rest = text.as_slice();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, others) = rest.split_at(rest.len().min(*size));
                pieces.push(piece);
                rest = others;
            }
            let read: Vec<Vec<u8>> =
                parts("bB", pieces).unwrap().into_iter().map(|(_, data)| data).collect();
            prop_assert_eq!(read, data);
        }

        #[test]
        fn any_bytes_are_a_form_or_a_bad_request(
            parts_of_it in prop::collection::vec(
                prop_oneof![
                    3 => prop::sample::select(vec![
                        "--b", "\r\n", "--", "Content-Disposition: form-data; name=a", ":", "\r\n\r\n", "; ", "\"",
                    ])
                    .prop_map(|text| text.as_bytes().to_vec()),
                    1 => prop::collection::vec(any::<u8>(), 0..6),
                ],
                0..30,
            ),
        ) {
            let bytes = parts_of_it.concat();
            let whole = parts("b", [bytes.as_slice()]);
            let in_pieces = parts("b", bytes.chunks(1));
            prop_assert_eq!(whole, in_pieces);
        }
    }
}

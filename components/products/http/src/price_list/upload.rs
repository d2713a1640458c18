//! The file in the body of a request: the body itself, or the one part of a form.

use bytes::{Buf, Bytes};
use mercato_edge::{
    FieldError, FormPiece, MULTIPART, Multipart, PartHead, Problem, unsupported_media_type,
};

use super::line::Line;
use super::options::Options;
use super::reader::Reader;

/// The media types of bodies that are read: the registered one of CSV, those under which NDJSON goes about, of which none
/// is registered, and forms with a file.
pub const MEDIA_TYPES: [&str; 5] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    CSV_TYPE,
    MULTIPART,
];

const CSV_TYPE: &str = "text/csv";

/// How the name of a CSV file ends, in a form. Browsers take the media type from the system, which often knows none.
const CSV_ENDINGS: [&str; 3] = [".csv", ".tsv", ".txt"];

/// How the name of an NDJSON file ends, in a form.
const NDJSON_ENDINGS: [&str; 2] = [".ndjson", ".jsonl"];

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    Csv,
    Ndjson,
}

impl FileFormat {
    fn of_media_type(name: &str) -> Option<Self> {
        match name {
            CSV_TYPE => Some(Self::Csv),
            MULTIPART => None,
            _ => MEDIA_TYPES.contains(&name).then_some(Self::Ndjson),
        }
    }

    fn of_part(head: &PartHead) -> Option<Self> {
        let declared = head.media_type.as_deref();
        declared
            .and_then(Self::of_media_type)
            .or_else(|| Self::of_file_name(head.file_name.as_deref()?))
    }

    fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&CSV_ENDINGS) {
            Some(Self::Csv)
        } else {
            ends(&NDJSON_ENDINGS).then_some(Self::Ndjson)
        }
    }
}

/// Takes rows out of the body of a request. Holds one piece of it.
#[derive(Debug)]
pub struct Upload {
    options: Options,
    form: Option<Multipart>,
    /// The reader of the file; none before the part with the file has begun.
    reader: Option<Reader>,
    /// What is still to be read of the file.
    data: Bytes,
}

impl Upload {
    /// For a body of the type that its `Content-Type` says it is.
    ///
    /// # Errors
    /// 415 for any other than [`MEDIA_TYPES`], 400 for a form without a boundary.
    pub fn of(content_type: &str, options: Options) -> Result<Self, Problem> {
        let mut upload = Self {
            options,
            form: None,
            reader: None,
            data: Bytes::new(),
        };
        let media_type = content_type.split(';').next().unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        if media_type == MULTIPART {
            upload.form = Some(Multipart::of(content_type)?);
            return Ok(upload);
        }
        let format = FileFormat::of_media_type(&media_type)
            .ok_or_else(|| unsupported_media_type(&MEDIA_TYPES))?;
        upload.open(format)?;
        Ok(upload)
    }

    /// Adds the next piece of the body, once [`Upload::next`] has found no more rows in the one before.
    pub fn push(&mut self, piece: Bytes) {
        match &mut self.form {
            Some(form) => form.push(&piece),
            None => self.data = piece,
        }
    }

    /// The next row; `None` when that needs more of the body.
    ///
    /// # Errors
    /// When the form or the header of a CSV file cannot be used.
    pub fn next(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if let Some(reader) = &mut self.reader
                && !self.data.is_empty()
            {
                let mut rest = &*self.data;
                let line = reader.next(&mut rest);
                let taken = self.data.len().saturating_sub(rest.len());
                self.data.advance(taken);
                if let Some(line) = line? {
                    return Ok(Some(line));
                }
            }
            let Some(form) = &mut self.form else {
                return Ok(None);
            };
            match form.next_piece()? {
                None => return Ok(None),
                Some(FormPiece::Data(data)) => self.data = data,
                Some(FormPiece::Head(_)) if self.reader.is_some() => return Err(one_part()),
                Some(FormPiece::Head(head)) => {
                    let format = FileFormat::of_part(&head).ok_or_else(|| not_a_file(&head))?;
                    self.open(format)?;
                }
            }
        }
    }

    /// The body is over: the last row of the file, if that has no line end.
    ///
    /// # Errors
    /// When the form is not over or has no file, and when a CSV file has no header.
    pub fn finish(&mut self) -> Result<Option<Line>, Problem> {
        if let Some(form) = &self.form {
            form.finish()?;
        }
        match &mut self.reader {
            Some(reader) => reader.finish(),
            None => Err(one_part()),
        }
    }

    /// The names of columns and members that were passed over so far.
    pub fn ignored(&self) -> &[String] {
        self.reader
            .as_ref()
            .map(Reader::ignored)
            .unwrap_or_default()
    }

    fn open(&mut self, format: FileFormat) -> Result<(), Problem> {
        self.reader = Some(match format {
            FileFormat::Csv => Reader::csv(&self.options),
            FileFormat::Ndjson if self.options.columns.is_empty() => Reader::ndjson(&self.options),
            FileFormat::Ndjson => {
                let message = "columns is for CSV: the members of NDJSON have names of their own";
                let error = FieldError::new("columns", "exclusive", message);
                return Err(Problem::validation(vec![error]));
            }
        });
        Ok(())
    }
}

/// 400 for a form that is more or less than a file.
pub fn one_part() -> Problem {
    Problem::bad_request(
        "malformed-multipart",
        "the form must have exactly one part, the file",
    )
}

/// 415 for a file, 400 for another part.
fn not_a_file(head: &PartHead) -> Problem {
    if head.file_name.is_none() {
        return one_part();
    }
    Problem::new(
        mercato_edge::StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Unsupported media type",
        "the file in the form must be of the type text/csv or application/x-ndjson, or its name must end in .csv, .tsv, .txt, .ndjson or .jsonl",
    )
}

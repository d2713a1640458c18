//! An export on disk, version 1 of the format.
//!
//! A folder for its owner alone, with
//!
//! - `DATABASE.TABLE.jsonl` for each table: a row a line, each a JSON array of its values in the order of the columns. Whole numbers are
//!   numbers, texts are texts, bytes are texts of hexadecimal digits, and what is absent is `null`.
//! - `contents.json`, written last: format and version, the databases with the version of their schema, and for each table its columns,
//!   how many rows and bytes there are, the SHA-256 of the file, and the last number that was given to a row, where the database
//!   keeps that. A folder without it is an export that did not end.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::Column;
use super::fault;
use super::value::{Kind, Value, hexadecimal, read_line, write_line};
use crate::error::{Error, Result};
use crate::limits::{EXPORT_CONTENTS_BYTES_MAX, EXPORT_ROW_BYTES_MAX};
use crate::permissions;

/// What tells the folder from others.
const FORMAT: &str = "mercato-export";

/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;

/// The file that says what there is.
const CONTENTS: &str = "contents.json";

/// What to do about a file that is not as it was written.
const DAMAGED: &str = "copy the folder again, or export again";

/// What an export has.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    format: String,
    version: u32,
    /// The export itself, so that it is known again.
    pub id: String,
    /// The version of the program that has written it.
    pub program: String,
    /// Milliseconds since the Unix epoch.
    pub exported_at: u64,
    /// By label.
    pub databases: BTreeMap<String, Database>,
}

/// A database.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    /// The version of its schema, as SQLite counts.
    pub schema: u32,
    /// By name.
    pub tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// In the order of the values of a row.
    pub columns: Vec<Column>,
    /// How many.
    pub rows: u64,
    bytes: u64,
    sha256: String,
    /// The last number that was given to a row, also when that row is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_number: Option<i64>,
}

/// What is read first: the rest depends on it.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Contents {
    /// Of an export that begins now.
    pub(super) fn new(id: String, exported_at: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            id,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            exported_at,
            databases: BTreeMap::new(),
        }
    }

    /// How many tables and rows there are.
    pub(super) fn size(&self) -> (usize, u64) {
        let tables = self.databases.values().flat_map(|one| one.tables.values());
        tables.fold((0, 0), |(tables, rows), table| {
            (tables + 1, rows + table.rows)
        })
    }
}

/// An export that is written. Dropped before [`Self::finish`], what was written is removed: it holds personal data.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    is_finished: bool,
}

impl Writer {
    /// Makes the folder.
    ///
    /// # Errors
    /// When it is there already, or cannot be made.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        if folder.symlink_metadata().is_ok() {
            return Err(fault(format!(
                "{} is there already: name a folder that is not, so that nothing is overwritten",
                folder.display()
            )));
        }
        permissions::create_folder(folder).map_err(|cause| unwritable(folder, &cause))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            is_finished: false,
        })
    }

    /// Begins a table.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn table(&self, label: &str, name: &str) -> Result<TableWriter> {
        let path = file_of(&self.folder, label, name);
        let file = create(&path)?;
        Ok(TableWriter {
            path,
            file: BufWriter::new(file),
            hasher: Sha256::new(),
            line: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Says what there is, which makes the export whole.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn finish(mut self, contents: &Contents) -> Result<()> {
        let path = self.folder.join(CONTENTS);
        let failed = |cause: &std::io::Error| unwritable(&path, cause);
        let text = serde_json::to_vec_pretty(contents).map_err(|cause| failed(&cause.into()))?;
        let mut file = create(&path)?;
        file.write_all(&text).map_err(|cause| failed(&cause))?;
        file.sync_all().map_err(|cause| failed(&cause))?;
        // The names of the files last as the files do. Where folders cannot be synchronized, the file system does it.
        if let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_finished
            && let Err(cause) = fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(folder = %self.folder.display(), "what was exported so far holds personal data and cannot be removed: {cause}");
        }
    }
}

/// A table that is written.
#[derive(Debug)]
pub(super) struct TableWriter {
    path: PathBuf,
    file: BufWriter<File>,
    hasher: Sha256,
    line: Vec<u8>,
    rows: u64,
    bytes: u64,
}

impl TableWriter {
    /// Adds a row.
    ///
    /// # Errors
    /// When it is too large, or there is no room.
    pub(super) fn write(&mut self, row: &[Value]) -> Result<()> {
        self.line.clear();
        write_line(row, &mut self.line).map_err(|cause| unwritable(&self.path, &cause))?;
        let length = bytes(self.line.len());
        if length > EXPORT_ROW_BYTES_MAX {
            return Err(fault(format!(
                "{}: a row has {length} bytes; more than {EXPORT_ROW_BYTES_MAX} are not moved",
                self.path.display()
            )));
        }
        self.hasher.update(&self.line);
        self.rows += 1;
        self.bytes += length;
        let written = self.file.write_all(&self.line);
        written.map_err(|cause| unwritable(&self.path, &cause))
    }

    /// How many rows there are so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file, which is on the disk then.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn finish(self, columns: Vec<Column>, last_number: Option<i64>) -> Result<Table> {
        let file = self.file.into_inner().map_err(|cause| cause.into_error());
        let synchronized = file.and_then(|file| file.sync_all());
        synchronized.map_err(|cause| unwritable(&self.path, &cause))?;
        Ok(Table {
            columns,
            rows: self.rows,
            bytes: self.bytes,
            sha256: hexadecimal(&self.hasher.finalize()),
            last_number,
        })
    }
}

/// Reads what an export has.
///
/// # Errors
/// When it is none, did not end, or is of another version.
pub(super) fn read_contents(folder: &Path) -> Result<Contents> {
    let path = folder.join(CONTENTS);
    let shown = path.display();
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| {
        file.take(EXPORT_CONTENTS_BYTES_MAX + 1)
            .read_to_end(&mut text)
    });
    match read {
        Ok(_) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(fault(format!(
                "{shown} is missing: {} is no export, or one that did not end; export again",
                folder.display()
            )));
        }
        Err(cause) => {
            return Err(Error::Read {
                path,
                cause,
                hint: "",
            });
        }
    }
    if bytes(text.len()) > EXPORT_CONTENTS_BYTES_MAX {
        return Err(fault(format!("{shown} is too large to be of an export")));
    }
    let damaged =
        |cause: serde_json::Error| fault(format!("{shown} cannot be read ({cause}); {DAMAGED}"));
    let head: Head = serde_json::from_slice(&text).map_err(damaged)?;
    if head.format != FORMAT {
        return Err(fault(format!("{shown} is not of an export of a shop")));
    }
    if head.version != VERSION {
        return Err(fault(format!(
            "{shown} has version {} of the format, this program reads version {VERSION}: import with the version of mercato that has exported, or export again",
            head.version
        )));
    }
    let contents: Contents = serde_json::from_slice(&text).map_err(damaged)?;
    let names = contents
        .databases
        .iter()
        .flat_map(|(label, database)| std::iter::once(label).chain(database.tables.keys()));
    for name in names {
        if !is_plain(name) {
            return Err(fault(format!(
                "{shown} has a name that is none of a table; {DAMAGED}"
            )));
        }
    }
    Ok(contents)
}

/// Whether a name cannot lead anywhere else.
fn is_plain(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part)
}

/// A table that is read.
pub(super) struct Reader<'a> {
    path: PathBuf,
    table: &'a Table,
    kinds: Vec<Kind>,
    file: BufReader<File>,
    hasher: Sha256,
    line: Vec<u8>,
    rows: u64,
}

impl<'a> Reader<'a> {
    /// Opens a table.
    ///
    /// # Errors
    /// When its file is missing, or not as long as it was.
    pub(super) fn open(folder: &Path, label: &str, name: &str, table: &'a Table) -> Result<Self> {
        let path = file_of(folder, label, name);
        let shown = path.display();
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|cause| {
            if cause.kind() == std::io::ErrorKind::NotFound {
                fault(format!("{shown} is missing; {DAMAGED}"))
            } else {
                fault(format!("{shown}: {cause}"))
            }
        })?;
        if length != table.bytes {
            let what = if length < table.bytes {
                "is cut off"
            } else {
                "is longer than it was"
            };
            return Err(fault(format!(
                "{shown} {what}: it has {length} bytes instead of {}; {DAMAGED}",
                table.bytes
            )));
        }
        Ok(Self {
            kinds: table.columns.iter().map(|column| column.kind).collect(),
            path,
            table,
            file: BufReader::new(file),
            hasher: Sha256::new(),
            line: Vec::new(),
            rows: 0,
        })
    }

    /// Reads the whole file and compares it with what was written.
    ///
    /// # Errors
    /// When it is another one.
    pub(super) fn verify(mut self, mut reached: impl FnMut(u64)) -> Result<()> {
        while self.next_line()? {
            reached(self.rows);
        }
        self.compare()
    }

    /// The next row; none after the last one, when the file was as it was written.
    ///
    /// # Errors
    /// When it cannot be read, or the file is another one.
    pub(super) fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        if !self.next_line()? {
            self.compare()?;
            return Ok(None);
        }
        let row = read_line(&self.line, &self.kinds);
        let row = row.map_err(|why| {
            fault(format!(
                "{}: line {} {why}, which PostgreSQL cannot keep: mend it in the shop on SQLite, then export again",
                self.path.display(),
                self.rows
            ))
        })?;
        Ok(Some(row))
    }

    /// How many rows were read.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn next_line(&mut self) -> Result<bool> {
        self.line.clear();
        let mut limited = (&mut self.file).take(EXPORT_ROW_BYTES_MAX + 1);
        let read = limited.read_until(b'\n', &mut self.line);
        let read = read.map_err(|cause| fault(format!("{}: {cause}", self.path.display())))?;
        if read == 0 {
            return Ok(false);
        }
        self.rows += 1;
        self.hasher.update(&self.line);
        if bytes(read) > EXPORT_ROW_BYTES_MAX || !self.line.ends_with(b"\n") {
            return Err(fault(format!(
                "{}: line {} does not end; {DAMAGED}",
                self.path.display(),
                self.rows
            )));
        }
        Ok(true)
    }

    fn compare(&self) -> Result<()> {
        let shown = self.path.display();
        if hexadecimal(&self.hasher.clone().finalize()) != self.table.sha256 {
            return Err(fault(format!(
                "{shown} does not have the checksum that it was written with: it was changed or is damaged; {DAMAGED}"
            )));
        }
        if self.rows != self.table.rows {
            return Err(fault(format!(
                "{shown} has {} rows, {CONTENTS} says {}; {DAMAGED}",
                self.rows, self.table.rows
            )));
        }
        Ok(())
    }
}

fn file_of(folder: &Path, label: &str, table: &str) -> PathBuf {
    folder.join(format!("{label}.{table}.jsonl"))
}

/// Makes a file for its owner alone.
fn create(path: &Path) -> Result<File> {
    let made = permissions::create_file(path)
        .and_then(|()| OpenOptions::new().write(true).truncate(true).open(path));
    made.map_err(|cause| unwritable(path, &cause))
}

fn unwritable(path: &Path, cause: &std::io::Error) -> Error {
    fault(format!(
        "cannot write {}: {cause}; the shop's databases are as they were",
        path.display()
    ))
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

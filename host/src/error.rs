//! What can keep the shop from starting, each in one line that says what to do.

use std::path::PathBuf;

/// Why the runner could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that must be there could not be read.
    #[error("cannot read {}: {cause}{hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
        /// What to do about it, beginning with `; `, or nothing.
        hint: &'static str,
    },
    /// The manifest is not one that this runner can run.
    #[error("{}{}: {message}", path.display(), at(*line))]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line of the error, from 1, when known.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// The runtime configuration, or a file of variables, is wrong.
    #[error("{}{}: {message}", path.display(), at(*line))]
    Config {
        /// The file.
        path: PathBuf,
        /// Line of the error, from 1, when known.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A variable has no value, or cannot have the one given.
    #[error("{0}")]
    Variable(String),
    /// Variables that components cannot use, each in a line.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// A component cannot be loaded or linked.
    #[error("component `{component}`: {message}")]
    Component {
        /// Its id in the manifest.
        component: String,
        /// What is wrong.
        message: String,
    },
    /// A database cannot be opened.
    #[error("database `{label}` ({}): {message}", path.display())]
    Database {
        /// Its label in the runtime configuration.
        label: String,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        message: String,
    },
    /// The listener cannot be opened.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// What was asked for.
        address: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The Redis address is not one.
    #[error("{0}")]
    Redis(String),
    /// A shop cannot be exported or imported.
    #[error("{0}")]
    Move(String),
    /// Something of the machine itself failed.
    #[error("{0}")]
    Machine(String),
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

/// The result of everything that happens before the shop listens.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Line (from 1) of a byte offset, for messages of the TOML parser.
pub(crate) fn line_of(text: &str, error: &toml::de::Error) -> Option<usize> {
    let start = error.span()?.start;
    let before = text.get(..start)?;
    Some(before.matches('\n').count() + 1)
}

/// The parser's message without line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

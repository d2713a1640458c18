//! What happened, step by step: the same for the same seed.

use std::fmt::Debug;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// What happened, as a digest, and line by line in a file if somebody wants to read it.
#[derive(Debug, Default)]
pub struct Record {
    digest: DefaultHasher,
    trace: Option<BufWriter<File>>,
    step: u64,
}

impl Record {
    /// An empty one.
    ///
    /// # Panics
    /// When the file cannot be made.
    pub fn new(trace: Option<&Path>) -> Self {
        let create = |path| BufWriter::new(File::create(path).expect("a file for the trace"));
        Self {
            trace: trace.map(create),
            ..Self::default()
        }
    }

    /// Begins the next step.
    pub fn step(&mut self) {
        self.step += 1;
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Adds what happens in this step.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn note(&mut self, what: impl Debug) {
        let line = format!("{} {what:?}", self.step);
        line.hash(&mut self.digest);
        if let Some(trace) = &mut self.trace {
            writeln!(trace, "{line}").expect("a trace can be written");
        }
    }

    /// The digest of everything so far.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }
}

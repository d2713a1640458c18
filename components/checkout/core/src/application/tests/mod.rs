//! The use cases on a real SQLite, with a catalogue in memory.

mod changing;
mod codes;
mod holders;
mod ordering;
mod settings;
mod shop;
mod sweep;

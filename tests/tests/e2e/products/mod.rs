mod create;
mod delete;
mod import;
mod list;
mod read;
mod search;
mod stats;
mod update;

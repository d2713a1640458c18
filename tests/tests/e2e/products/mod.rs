mod create;
mod delete;
mod list;
mod read;
mod stats;
mod update;

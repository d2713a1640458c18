//! What anonymous clients and strangers can do to a shop that stands on the open internet, in bounded form. The limits
//! stand in `docs/reliability.md`, section "What outsiders can do".

mod answers;
mod bodies;
mod connections;
mod end;
mod files;
mod hashes;
mod hoarding;
mod idle;
mod log;
mod logins;
mod probes;
mod reads;
mod search;

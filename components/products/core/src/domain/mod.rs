//! Entities and rules of the catalogue and its stock. No I/O, no wire formats.

pub mod category;
mod checked;
pub mod error;
pub mod facet;
pub mod listing;
pub mod presentation;
pub mod product;
pub mod reservation;
pub mod search;
pub mod sellable;
pub mod slug;
pub mod stock;
pub mod values;
pub mod variant;

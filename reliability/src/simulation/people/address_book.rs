//! What customers do with their address books.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::Person;
use crate::client::{ADDRESSES, saved_address};
use crate::simulation::town::Ask;

/// Whose addresses there are.
const NAMES: [&str; 5] = ["Ada", "Grace", "Joan", "Mary", "Radia"];

/// Most addresses of a book.
const ADDRESSES_MAX: usize = 3;

/// An address book as its owner knows it.
pub(super) struct AddressBook {
    document: Value,
    /// Grows with every change.
    version: u64,
}

impl Default for AddressBook {
    fn default() -> Self {
        Self {
            document: json!({ "addresses": [] }),
            version: 0,
        }
    }
}

impl Person {
    /// Replaces the address book, perhaps against the version that was seen, perhaps while another window shows it.
    pub(super) async fn replace_addresses(&mut self) {
        let wanted = self.choose_addresses();
        // With a token that is good for both, and only if the book is what it was.
        self.look_at_addresses().await;
        let bearer = format!("Bearer {}", self.session.token);
        let mut put = Ask::send("PUT", ADDRESSES, &wanted).header("authorization", bearer.as_str());
        if self.below(2) == 0 {
            put = put.header("if-match", format!("\"{}\"", self.address_book.version));
        }
        let look = Ask::get(ADDRESSES).header("authorization", bearer);
        let (put, seen) = if self.below(2) == 0 {
            let (put, seen) = tokio::join!(self.town.insist(&put), self.town.insist(&look));
            (put, Some(seen))
        } else {
            (self.town.insist(&put).await, None)
        };
        let before = self.address_book.document.clone();
        if let Some(seen) = seen.filter(|seen| seen.status == 200)
            && ![&before, &wanted].contains(&&seen.json())
        {
            let seen = seen.describe();
            self.complain(format!("3: neither {before} nor {wanted} is shown: {seen}"));
        }
        let now = match put.status {
            200 => put.json(),
            // It was replaced by the request whose answer was lost, or not at all: the session has ended.
            401 | 412 => self.read(ADDRESSES).await,
            _ => return self.complain(format!("no address is kept: {}", put.describe())),
        };
        if now == wanted {
            self.address_book.version += u64::from(before != wanted);
            self.address_book.document = wanted;
        } else if put.status != 401 || now != before {
            self.complain(format!("3: {wanted} was sent, and {now} is kept"));
        }
    }

    /// What was answered must be there.
    pub(super) async fn look_at_addresses(&mut self) {
        let now = self.read(ADDRESSES).await;
        let known = &self.address_book.document;
        if now != *known {
            self.complain(format!("3: {known} was kept, and {now} is shown"));
        }
    }

    fn choose_addresses(&mut self) -> Value {
        let first = self.below(NAMES.len());
        let count = self.dice.random_range(0..=ADDRESSES_MAX);
        let names = NAMES.iter().cycle().skip(first).take(count);
        let addresses: Vec<Value> = names.map(|name| saved_address(name)).collect();
        json!({ "addresses": addresses })
    }
}

//! Objects and lists as they stand in JSON: members that are repeated are noticed, and nothing grows with what was sent.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Value;

/// Most members of an object. No object of the API has nearly as many; in one that has more, none is looked at.
pub(super) const MAX_MEMBERS: usize = 100;

/// The members of an object, and the names that stand in it more than once: of those nobody can say which one counts
/// (RFC 8259 section 4), and another reader on the way may have seen the other one.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) repeated: BTreeSet<String>,
    /// There are more than [`MAX_MEMBERS`].
    pub(super) are_too_many: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let mut count = 0_usize;
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            count = count.saturating_add(1);
            if count > MAX_MEMBERS {
                members.are_too_many = true;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
            match members.values.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(Value::Json(value));
                }
                Entry::Occupied(place) => {
                    members.repeated.insert(place.key().clone());
                }
            }
        }
        Ok(members)
    }
}

/// The elements of a list, as long as they are not more than `MAX`; otherwise how many there are.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    pub(super) values: Vec<&'a RawValue>,
    pub(super) count: usize,
}

impl<'de> Elements<'de> {
    pub(super) fn read(json: &'de str, max: usize) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer.deserialize_seq(ElementsVisitor { max })
    }
}

struct ElementsVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements<'de>, A::Error> {
        let (mut values, mut count) = (Vec::new(), 0_usize);
        while count < self.max
            && let Some(value) = list.next_element()?
        {
            values.push(value);
            count = count.saturating_add(1);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Elements { values, count })
    }
}

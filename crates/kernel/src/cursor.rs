//! Opaque cursors: where the next page of a list begins.
//!
//! A cursor names the last entry of a page by what the list is sorted by, so the next page costs one search in an
//! index, wherever it is, and entries that come or go meanwhile move nothing. It carries no secret and no right: it is
//! a position, and whoever makes one up gets the entries after a place of their own choice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Longest cursor that is looked at, in bytes. Names of 200 characters of four bytes fit in.
pub const MAX_CURSOR_BYTES: usize = 4096;

/// Most keys of one position.
pub const MAX_KEYS: usize = 4;

/// One value that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A whole number: a time, an amount.
    Integer(i64),
    /// A text: a name, an identifier.
    Text(String),
}

impl From<i64> for Key {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Key {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Key {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// A place in a list: after the entry that has these keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which list, in which order: a cursor of another one is refused.
    pub scope: String,
    /// Number of the page that begins there, from 2.
    pub page: u32,
    /// What the last entry before it is sorted by, most significant first.
    pub keys: Vec<Key>,
}

/// The text is no cursor, or one of another list or order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page of this list in this order")]
pub struct NotACursor;

impl Cursor {
    /// The cursor as clients see it: base64url (RFC 4648 section 5) without padding.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut values = vec![Value::from(self.scope.as_str()), Value::from(self.page)];
        values.extend(self.keys.iter().map(|key| match key {
            Key::Integer(number) => Value::from(*number),
            Key::Text(text) => Value::from(text.as_str()),
        }));
        URL_SAFE_NO_PAD.encode(Value::Array(values).to_string())
    }

    /// Reads what [`Cursor::encode`] wrote for that scope.
    ///
    /// # Errors
    /// [`NotACursor`] for anything else.
    pub fn decode(text: &str, scope: &str) -> Result<Self, NotACursor> {
        if text.len() > MAX_CURSOR_BYTES {
            return Err(NotACursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let values: Vec<Value> = serde_json::from_slice(&bytes).map_err(|_| NotACursor)?;
        let mut values = values.into_iter();
        let (Some(Value::String(found)), Some(page)) = (values.next(), values.next()) else {
            return Err(NotACursor);
        };
        let page = page.as_u64().and_then(|page| u32::try_from(page).ok());
        let page = page.filter(|page| *page >= 2).ok_or(NotACursor)?;
        let keys: Vec<Key> = values.map(to_key).collect::<Result<_, _>>()?;
        if found != scope || keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(NotACursor);
        }
        Ok(Self {
            scope: found,
            page,
            keys,
        })
    }
}

fn to_key(value: Value) -> Result<Key, NotACursor> {
    match value {
        Value::String(text) => Ok(Key::Text(text)),
        Value::Number(number) => number.as_i64().map(Key::Integer).ok_or(NotACursor),
        _ => Err(NotACursor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Key> {
        prop_oneof![
            any::<i64>().prop_map(Key::Integer),
            ".{0,40}".prop_map(Key::Text),
        ]
    }

    proptest! {
        #[test]
        fn every_position_survives_the_way_to_the_client_and_back(
            scope in "[a-z:-]{1,20}",
            page in 2_u32..,
            keys in prop::collection::vec(key(), 1..=MAX_KEYS),
        ) {
            let cursor = Cursor { scope: scope.clone(), page, keys };
            let text = cursor.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Cursor::decode(&text, &scope), Ok(cursor));
        }

        #[test]
        fn no_text_makes_the_reader_fail_otherwise_than_by_refusing(text in ".{0,200}") {
            let _ = Cursor::decode(&text, "products:name");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = Cursor {
            scope: "products:name".to_owned(),
            page: 2,
            keys: vec!["tea".into(), 7.into()],
        };
        let text = cursor.encode();
        assert!(Cursor::decode(&text, "products:price").is_err());
        assert!(Cursor::decode(&format!("{text}A"), "products:name").is_err());
    }

    #[test]
    fn what_no_page_ever_gave_is_refused() {
        for json in [
            "[]",
            r#"["s"]"#,
            r#"["s",2]"#,
            r#"["s",1,"a"]"#,
            r#"["s",2.5,"a"]"#,
            r#"["s",-2,"a"]"#,
            r#"["s",2,null]"#,
            r#"["s",2,1.5]"#,
            r#"["s",2,[1]]"#,
            r#"["s",2,1,2,3,4,5]"#,
            r#"{"scope":"s"}"#,
        ] {
            let text = URL_SAFE_NO_PAD.encode(json);
            assert_eq!(Cursor::decode(&text, "s"), Err(NotACursor), "{json}");
        }
        assert!(Cursor::decode("", "s").is_err());
        assert!(Cursor::decode(&"A".repeat(MAX_CURSOR_BYTES + 1), "s").is_err());
    }
}

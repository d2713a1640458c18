//! Identifiers: UUID version 7 (RFC 9562), which sort by the time they were made.

use uuid::{Builder, Uuid};

use crate::clock::{Clock, SystemClock};
use crate::random;

const MS_PER_SECOND: u64 = 1_000;

const NANOSECONDS_PER_MS: u32 = 1_000_000;

/// A source of new identifiers.
pub trait Ids {
    /// A new UUIDv7 in its canonical lower-case form.
    fn new_id(&self) -> String;

    /// The same as a value, of which typed identifiers are made.
    fn new_uuid(&self) -> Uuid {
        // Every one of these texts is a UUID.
        Uuid::try_parse(&self.new_id()).unwrap_or_else(|_| random_uuid())
    }
}

/// Identifiers from the host's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn new_id(&self) -> String {
        random_uuid().to_string()
    }
}

fn random_uuid() -> Uuid {
    let entropy: [u8; 10] = random::bytes();
    Builder::from_unix_timestamp_millis(SystemClock.now_ms(), &entropy).into_uuid()
}

/// The canonical form of an identifier given by a client: only the hyphenated form of 36 characters is one
/// (RFC 9562 section 4); capital letters are allowed and made small.
///
/// # Errors
/// [`NotAnId`] for everything else.
pub fn parse(text: &str) -> Result<String, NotAnId> {
    const CANONICAL_LENGTH: usize = 36;
    if text.len() != CANONICAL_LENGTH {
        return Err(NotAnId);
    }
    Uuid::try_parse(text)
        .map(|id| id.to_string())
        .map_err(|_| NotAnId)
}

/// When an identifier was made, in milliseconds since the Unix epoch; none when it is not a UUID of version 7.
#[must_use]
pub fn made_at_ms(text: &str) -> Option<u64> {
    let (seconds, nanoseconds) = Uuid::try_parse(text).ok()?.get_timestamp()?.to_unix();
    let milliseconds = u64::from(nanoseconds / NANOSECONDS_PER_MS);
    Some(
        seconds
            .saturating_mul(MS_PER_SECOND)
            .saturating_add(milliseconds),
    )
}

/// The text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct NotAnId;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_ids_are_version_7_and_distinct() {
        let (first, second) = (RandomIds.new_id(), RandomIds.new_id());
        assert_ne!(first, second);
        assert_eq!(Uuid::try_parse(&first).unwrap().get_version_num(), 7);
        assert_eq!(parse(&first), Ok(first.clone()));
        assert_eq!(parse(&first.to_uppercase()), Ok(first));
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let before = SystemClock.now_ms();
        let made = made_at_ms(&RandomIds.new_id()).unwrap();
        assert!((before..=SystemClock.now_ms()).contains(&made));
        // RFC 9562 appendix A.6.
        let example = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
        assert_eq!(made_at_ms(example), Some(1_645_557_742_000));
        let random = "919108f7-52d1-4320-9bac-f847db4148a8";
        assert_eq!((made_at_ms(random), made_at_ms("x")), (None, None));
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in [
            "",
            "1",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a805g",
            "01890a5d-ac96-774b-bcce-b302099a80577",
            "' OR 1=1 --                         ",
        ] {
            assert_eq!(parse(text), Err(NotAnId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_id_is_read_in_any_case_as_its_canonical_form(bytes in any::<[u8; 16]>()) {
            let id = Uuid::from_bytes(bytes).to_string();
            prop_assert_eq!(parse(&id), Ok(id.clone()));
            prop_assert_eq!(parse(&id.to_uppercase()), Ok(id));
        }

        #[test]
        fn what_is_read_is_canonical_and_all_else_refused(text in "[0-9a-fA-F-]{35,37}|[^\\x00]{0,40}") {
            if let Ok(id) = parse(&text) {
                prop_assert_eq!(&id, &text.to_ascii_lowercase());
                prop_assert_eq!(parse(&id), Ok(id));
            }
        }
    }
}

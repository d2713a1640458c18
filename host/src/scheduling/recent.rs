//! Texts that were noted lately: statements that were long, paths that cost much.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use crate::limits::{RECENT_BYTES, RECENT_EXCEPTIONS, RECENT_TEXTS, RECENT_TIME};

/// A bounded number of texts, each for a bounded time.
#[derive(Default)]
pub(crate) struct Recent {
    /// Whether there has ever been one; where there is none nothing is searched for.
    any: AtomicBool,
    texts: RwLock<Vec<Noted>>,
}

struct Noted {
    text: Box<str>,
    until: Instant,
    /// How often it was otherwise since.
    exceptions: AtomicU32,
}

impl Recent {
    /// Notes a text; the one that was noted longest ago may have to go.
    pub(crate) fn note(&self, text: &str) {
        if text.len() > RECENT_BYTES {
            return;
        }
        let now = Instant::now();
        let until = now + RECENT_TIME;
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.iter_mut().find(|known| *known.text == *text) {
            known.until = until;
            known.exceptions.store(0, Ordering::Relaxed);
            return;
        }
        if texts.len() >= RECENT_TEXTS {
            texts.retain(|known| known.until > now);
        }
        if texts.len() >= RECENT_TEXTS
            && let Some(oldest) = (0..texts.len()).min_by_key(|i| texts.get(*i).map(|t| t.until))
        {
            texts.swap_remove(oldest);
        }
        texts.push(Noted {
            text: text.into(),
            until,
            exceptions: AtomicU32::new(0),
        });
        self.any.store(true, Ordering::Relaxed);
    }

    /// Notes that it was otherwise for once.
    pub(crate) fn note_exception(&self, text: &str) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.iter().find(|known| *known.text == *text) {
            known.exceptions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the text was noted lately, and it was not always otherwise since.
    pub(crate) fn has(&self, text: &str) -> bool {
        if !self.any.load(Ordering::Relaxed) {
            return false;
        }
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        let known = texts.iter().find(|known| *known.text == *text);
        known.is_some_and(|known| {
            known.exceptions.load(Ordering::Relaxed) < RECENT_EXCEPTIONS
                && known.until > Instant::now()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_until_it_was_otherwise_often_enough() {
        let recent = Recent::default();
        assert!(!recent.has("a"));
        recent.note("a");
        for _ in 0..RECENT_EXCEPTIONS {
            assert!(recent.has("a") && !recent.has("b"));
            recent.note_exception("a");
        }
        assert!(!recent.has("a"));
        recent.note("a");
        assert!(recent.has("a"));
    }

    #[test]
    fn so_many_are_known_and_the_oldest_one_goes() {
        let recent = Recent::default();
        for number in 0..=RECENT_TEXTS {
            recent.note(&number.to_string());
        }
        assert_eq!(recent.texts.read().unwrap().len(), RECENT_TEXTS);
        assert!(!recent.has("0") && recent.has("1") && recent.has(&RECENT_TEXTS.to_string()));
        let long = "x".repeat(RECENT_BYTES + 1);
        recent.note(&long);
        assert!(!recent.has(&long));
    }
}

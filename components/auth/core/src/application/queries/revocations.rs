use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{REVOCATIONS_LISTED_MAX, Revocation};

/// Revocations in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The number that the list begins after; 0 when it is complete.
    pub after: u64,
    /// The number of its last revocation.
    pub sequence: u64,
    /// Whether there are more after it.
    pub more: bool,
    /// Tokens that were made at or before this time, in milliseconds since the Unix epoch, may be revoked by a revocation that
    /// was dropped; 0 when none was.
    pub floor: u64,
    /// At most [`REVOCATIONS_LISTED_MAX`].
    pub revocations: Vec<Revocation>,
}

/// What was revoked after that number, as far as tokens that it concerns may be valid. A number that was never given is one of
/// another database: the list begins anew.
///
/// # Errors
/// A fault of the database.
pub fn list(ports: &Ports, after: u64) -> Result<RevocationList, Error> {
    let now = ports.clock.now_ms();
    ports.store.read(|records| {
        // One more than wanted says whether there are more.
        let wanted = REVOCATIONS_LISTED_MAX.saturating_add(1);
        let last_sequence = records.revocation_bounds()?.last_sequence;
        let after = if after > last_sequence { 0 } else { after };
        let mut revocations = records.revocations_after(after, now, wanted)?;
        // After the revocations: one that was dropped before they were read has raised it.
        let floor = records.revocation_bounds()?.floor;
        let max = usize::try_from(REVOCATIONS_LISTED_MAX).unwrap_or(usize::MAX);
        let more = revocations.len() > max;
        revocations.truncate(max);
        let last = revocations.last().map(|revocation| revocation.sequence);
        Ok(RevocationList {
            after,
            sequence: last.unwrap_or(after),
            more,
            floor,
            revocations,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::Revoked;
    use crate::store::Records;
    use crate::store::testing::session;

    fn log_out_once(shop: &Shop) -> Revoked {
        let session = shop.login("ada@example.com", PASSWORD).unwrap();
        shop.log_out(&session.tokens.refresh_token).unwrap();
        Revoked::Session(shop.caller(&session).session.unwrap())
    }

    fn revoked(list: RevocationList) -> Vec<Revoked> {
        let revocations = list.revocations.into_iter();
        revocations.map(|revocation| revocation.revoked).collect()
    }

    #[test]
    fn whoever_knows_the_list_gets_what_is_new() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let empty = list(&shop.ports, 0).unwrap();
        assert_eq!((empty.sequence, empty.more, empty.floor), (0, false, 0));
        let first = log_out_once(&shop);
        let part = list(&shop.ports, 0).unwrap();
        let known = part.sequence;
        assert_eq!(revoked(part), std::slice::from_ref(&first));
        let second = log_out_once(&shop);
        let part = list(&shop.ports, known).unwrap();
        assert_eq!((part.after, part.sequence), (known, known + 1));
        assert_eq!(revoked(part), std::slice::from_ref(&second));
        let nothing = list(&shop.ports, known + 1).unwrap();
        assert_eq!((nothing.sequence, nothing.revocations), (known + 1, vec![]));
        let of_another_shop = list(&shop.ports, 1_000).unwrap();
        assert_eq!(of_another_shop.after, 0);
        assert_eq!(revoked(of_another_shop), [first, second]);
    }

    #[test]
    fn a_revocation_goes_when_no_token_of_it_can_be_valid() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        log_out_once(&shop);
        let left = || list(&shop.ports, 0).unwrap().revocations.len();
        shop.advance_seconds(shop.ports.lifetimes.access_seconds);
        assert_eq!(left(), 1);
        shop.advance_seconds(60);
        assert_eq!(left(), 0);
    }

    #[test]
    fn long_lists_come_in_parts() {
        let shop = Shop::new();
        let max = REVOCATIONS_LISTED_MAX as usize;
        let many = |records: &Records<'_>| {
            (0..=max).try_for_each(|number| {
                records.add_revocation(&Revocation {
                    sequence: 0,
                    revoked: Revoked::Session(session(number as u64)),
                    revoked_at: shop.ports.clock.now_ms(),
                    expires_at: u64::MAX,
                })
            })
        };
        shop.ports.store.change(many).unwrap();
        let part = list(&shop.ports, 0).unwrap();
        assert_eq!((part.revocations.len(), part.more), (max, true));
        let rest = list(&shop.ports, part.sequence).unwrap();
        assert_eq!((rest.revocations.len(), rest.more), (1, false));
    }
}

//! Tables `revocations` and `revocation_floor`.

use mercato_sql::{Row, params};

use super::accounts::account_id;
use super::refresh_tokens::session_id;
use super::{FORGET_MAX_ROWS, Records, damaged};
use crate::application::Error;
use crate::domain::{REVOCATIONS_MAX, Revocation, RevocationBounds, Revoked};

const INSERT_REVOCATION: &str = "
    INSERT INTO revocations (session_id, user_id, generation, revoked_at, expires_at)
    VALUES (?, ?, ?, ?, ?)";

const DELETE_EXPIRED_REVOCATIONS: &str = "
    DELETE FROM revocations
    WHERE sequence IN (
      SELECT sequence
      FROM revocations
      WHERE expires_at <= ?
      ORDER BY expires_at
      LIMIT ?
    )";

/// The newest revocation that has no place any more.
const SELECT_SURPLUS_REVOCATION: &str = "
    SELECT sequence
    FROM revocations
    WHERE sequence <= (SELECT MAX(sequence) FROM revocations) - ?
    ORDER BY sequence DESC
    LIMIT 1";

const RAISE_REVOCATION_FLOOR: &str = "
    UPDATE revocation_floor
    SET issued_by = surplus.revoked_at
    FROM (
      SELECT MAX(revoked_at) AS revoked_at
      FROM revocations
      WHERE sequence <= ?
    ) AS surplus
    WHERE surplus.revoked_at > issued_by";

const DELETE_SURPLUS_REVOCATIONS: &str = "
    DELETE FROM revocations
    WHERE sequence <= ?";

const SELECT_REVOCATIONS: &str = "
    SELECT sequence, session_id, user_id, generation, revoked_at, expires_at
    FROM revocations
    WHERE sequence > ?
      AND expires_at > ?
    ORDER BY sequence
    LIMIT ?";

const SELECT_REVOCATION_FLOOR: &str = "
    SELECT issued_by
    FROM revocation_floor";

/// Also when the revocation of that number has been forgotten.
const SELECT_LAST_REVOCATION: &str = "
    SELECT seq
    FROM sqlite_sequence
    WHERE name = 'revocations' -- plan: a row for each table that counts";

impl Records<'_> {
    /// Keeps a revocation under the next number and forgets some of those that have expired by then. When there are more
    /// than [`REVOCATIONS_MAX`], the oldest go and the floor rises to their time.
    pub fn add_revocation(&self, revocation: &Revocation) -> Result<(), Error> {
        let now = revocation.revoked_at;
        self.execute(DELETE_EXPIRED_REVOCATIONS, params![now, FORGET_MAX_ROWS])?;
        let (session, account, generation) = match revocation.revoked {
            Revoked::Session(id) => (Some(id.to_string()), None, None),
            Revoked::Account(id, generation) => (None, Some(id.to_string()), Some(generation)),
        };
        let values = params![session, account, generation, now, revocation.expires_at];
        self.execute(INSERT_REVOCATION, values)?;
        let surplus = self.first(SELECT_SURPLUS_REVOCATION, params![REVOCATIONS_MAX], |row| {
            Ok(row.get::<u64>("sequence")?)
        })?;
        if let Some(sequence) = surplus {
            self.execute(RAISE_REVOCATION_FLOOR, params![sequence])?;
            self.execute(DELETE_SURPLUS_REVOCATIONS, params![sequence])?;
        }
        Ok(())
    }

    /// The revocations with higher numbers than that, in their order, that have not expired at `now` (milliseconds since the
    /// Unix epoch).
    pub fn revocations_after(
        &self,
        sequence: u64,
        now: u64,
        limit: u32,
    ) -> Result<Vec<Revocation>, Error> {
        self.all(
            SELECT_REVOCATIONS,
            params![sequence, now, limit],
            revocation,
        )
    }

    /// What is known beside the revocations themselves.
    pub fn revocation_bounds(&self) -> Result<RevocationBounds, Error> {
        Ok(RevocationBounds {
            last_sequence: self.number(SELECT_LAST_REVOCATION, params![], "seq")?,
            floor: self.number(SELECT_REVOCATION_FLOOR, params![], "issued_by")?,
        })
    }
}

fn revocation(row: &Row) -> Result<Revocation, Error> {
    let session: Option<String> = row.get("session_id")?;
    let account: Option<String> = row.get("user_id")?;
    let revoked = match (session, account) {
        (Some(_), _) => Revoked::Session(session_id(row, "session_id")?),
        (None, Some(_)) => Revoked::Account(account_id(row, "user_id")?, row.get("generation")?),
        (None, None) => return Err(damaged("session_id", "or user_id must be there")),
    };
    Ok(Revocation {
        sequence: row.get("sequence")?,
        revoked,
        revoked_at: row.get("revoked_at")?,
        expires_at: row.get("expires_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::testing::{NOW, id, session};

    fn revocation(revoked: Revoked, revoked_at: u64) -> Revocation {
        Revocation {
            sequence: 0,
            revoked,
            revoked_at,
            expires_at: revoked_at + 1_000,
        }
    }

    fn revocations(store: &Store, after: u64, now: u64) -> Vec<Revocation> {
        let listed = store.read(|records| records.revocations_after(after, now, 100));
        listed.unwrap()
    }

    #[test]
    fn revocations_are_kept_in_order_until_they_expire() {
        let store = Store::for_test();
        let revoked = [Revoked::Session(session(1)), Revoked::Account(id(1), 7)];
        for (number, revoked) in revoked.into_iter().enumerate() {
            let revocation = revocation(revoked, NOW + number as u64);
            store
                .change(|records| records.add_revocation(&revocation))
                .unwrap();
        }
        let listed = revocations(&store, 0, NOW);
        assert_eq!(listed[0].revoked, revoked[0]);
        let second = Revocation {
            sequence: 2,
            ..revocation(revoked[1], NOW + 1)
        };
        assert_eq!(listed[1], second);
        assert_eq!(revocations(&store, 1, NOW), std::slice::from_ref(&second));
        assert_eq!(revocations(&store, 0, NOW + 1_000), [second]);
        let later = revocation(revoked[0], NOW + 2_000);
        store
            .change(|records| records.add_revocation(&later))
            .unwrap();
        assert_eq!(revocations(&store, 0, 0).len(), 1, "expired ones are gone");
        let bounds = store.read(|records| records.revocation_bounds()).unwrap();
        assert_eq!((bounds.last_sequence, bounds.floor), (3, 0));
    }

    #[test]
    fn too_many_revocations_raise_the_floor() {
        let store = Store::for_test();
        let fill = |records: &Records<'_>| {
            (0..REVOCATIONS_MAX + 2).try_for_each(|number| {
                let revoked = Revoked::Session(session(number));
                records.add_revocation(&Revocation {
                    expires_at: u64::MAX,
                    ..revocation(revoked, NOW + number)
                })
            })
        };
        store.change(fill).unwrap();
        let bounds = store.read(|records| records.revocation_bounds()).unwrap();
        assert_eq!(bounds.floor, NOW + 1, "the last one that was dropped");
        assert_eq!(bounds.last_sequence, REVOCATIONS_MAX + 2);
        assert_eq!(revocations(&store, 0, NOW)[0].sequence, 3);
    }
}

use crate::application::Error;
use crate::domain::Bearer;
use crate::ports::{Ports, Store};

/// There are no more than [`SESSIONS_PER_ACCOUNT_MAX`](crate::domain::SESSIONS_PER_ACCOUNT_MAX).
const ALL: u32 = u32::MAX;

/// Ends one session of the bearer's account; it may be the bearer's own.
///
/// # Errors
/// [`Error::SessionNotFound`] when the account has no such session, [`Error::SessionEnded`], or a fault of the
/// database.
pub fn end_session<S: Store>(
    ports: &Ports<S>,
    bearer: &Bearer,
    session_id: &str,
) -> Result<(), Error> {
    ports.store.write(|records| {
        let account = ports.bearer_account(records, bearer)?;
        records
            .session_end(&account.id, session_id, ports.clock.now_ms())?
            .ok_or(Error::SessionNotFound)?;
        ports.end_session(records, session_id)
    })
}

/// Ends all sessions of the bearer's account but the bearer's own.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn end_other_sessions<S: Store>(ports: &Ports<S>, bearer: &Bearer) -> Result<(), Error> {
    ports.store.write(|records| {
        let account = ports.bearer_account(records, bearer)?;
        let sessions = records.sessions(&account.id, ports.clock.now_ms(), ALL)?;
        sessions
            .iter()
            .filter(|session| bearer.session.as_ref() != Some(&session.id))
            .try_for_each(|session| ports.end_session(records, &session.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::renew;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::Revoked;

    #[test]
    fn a_session_is_ended_from_another_one_and_the_others_go_on() {
        let shop = Shop::new();
        let lost = shop.register("ada@example.com");
        let here = shop.login("ada@example.com", PASSWORD).unwrap();
        let bearer = shop.bearer(&here);
        let id = shop.bearer(&lost).session.unwrap();
        end_session(&shop.ports, &bearer, &id).unwrap();
        assert!(renew(&shop.ports, &shop.bearer(&lost)).is_err());
        assert!(shop.refresh(&lost).is_err());
        assert!(renew(&shop.ports, &bearer).is_ok());
        let again = end_session(&shop.ports, &bearer, &id);
        assert_eq!(again, Err(Error::SessionNotFound));
        assert_eq!(shop.revoked(), [Revoked::Session(id)]);
    }

    #[test]
    fn the_sessions_of_others_are_not_found() {
        let shop = Shop::new();
        let ada = shop.bearer(&shop.register("ada@example.com"));
        let grace = shop.bearer(&shop.register("grace@example.com"));
        let of_grace = grace.session.clone().unwrap();
        for id in [of_grace.as_str(), "", "nonsense"] {
            let refused = end_session(&shop.ports, &ada, id);
            assert_eq!(refused, Err(Error::SessionNotFound), "{id}");
        }
        assert!(renew(&shop.ports, &grace).is_ok());
    }

    #[test]
    fn all_other_sessions_end() {
        let shop = Shop::new();
        let others = [
            shop.register("ada@example.com"),
            shop.login("ada@example.com", PASSWORD).unwrap(),
        ];
        let here = shop.login("ada@example.com", PASSWORD).unwrap();
        let grace = shop.register("grace@example.com");
        end_other_sessions(&shop.ports, &shop.bearer(&here)).unwrap();
        for session in &others {
            assert!(renew(&shop.ports, &shop.bearer(session)).is_err());
            assert!(shop.refresh(session).is_err());
        }
        for session in [&here, &grace] {
            assert!(renew(&shop.ports, &shop.bearer(session)).is_ok());
        }
        let revoked: Vec<_> = shop.revoked();
        for session in &others {
            let id = shop.bearer(session).session.unwrap();
            assert!(revoked.contains(&Revoked::Session(id)));
        }
        assert_eq!(revoked.len(), others.len());
        let ended = end_other_sessions(&shop.ports, &shop.bearer(&others[0]));
        assert_eq!(ended, Err(Error::SessionEnded));
    }
}

use crate::application::Error;
use crate::domain::{Bearer, SESSIONS_LISTED_MAX, SessionSummary};
use crate::ports::{Ports, Store};

/// The sessions of the bearer's account that have not ended, the one refreshed last first, at most
/// [`SESSIONS_LISTED_MAX`].
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn list_sessions<S: Store>(
    ports: &Ports<S>,
    bearer: &Bearer,
) -> Result<Vec<SessionSummary>, Error> {
    ports.store.read(|records| {
        let account = ports.bearer_account(records, bearer)?;
        records.sessions(&account.id, ports.clock.now_ms(), SESSIONS_LISTED_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::logout;
    use crate::application::testing::{PASSWORD, Shop};

    #[test]
    fn each_session_is_listed_once_however_often_it_was_refreshed() {
        let shop = Shop::new();
        shop.register("grace@example.com");
        let first = shop.register("ada@example.com");
        shop.advance_seconds(1);
        let second = shop.login("ada@example.com", PASSWORD).unwrap();
        let ended = shop.login("ada@example.com", PASSWORD).unwrap();
        logout(&shop.ports, &ended.tokens.refresh_token).unwrap();
        shop.advance_seconds(1);
        shop.refresh(&first).unwrap();
        let listed = list_sessions(&shop.ports, &shop.bearer(&second)).unwrap();
        let ids: Vec<_> = listed
            .iter()
            .map(|session| Some(session.id.clone()))
            .collect();
        let expected = [&first, &second].map(|session| shop.bearer(session).session);
        assert_eq!(ids, expected);
        assert_eq!(
            listed[0].expires_at - listed[0].refreshed_at,
            shop.ports.lifetimes.refresh_seconds * 1_000
        );
    }
}

use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{SESSIONS_LISTED_MAX, SessionCaller, SessionSummary};

/// The sessions of the caller's account that have not ended, the one refreshed last first, at most
/// [`SESSIONS_LISTED_MAX`].
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn list(ports: &Ports, caller: &SessionCaller) -> Result<Vec<SessionSummary>, Error> {
    ports.store.read(|records| {
        let account = ports.caller_account(records, caller)?;
        records.sessions(account.id(), ports.clock.now_ms(), SESSIONS_LISTED_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop};

    #[test]
    fn each_session_is_listed_once_however_often_it_was_refreshed() {
        let shop = Shop::new();
        shop.register("grace@example.com");
        let first = shop.register("ada@example.com");
        shop.advance_seconds(1);
        let second = shop.login("ada@example.com", PASSWORD).unwrap();
        let ended = shop.login("ada@example.com", PASSWORD).unwrap();
        shop.log_out(&ended.tokens.refresh_token).unwrap();
        shop.advance_seconds(1);
        shop.refresh(&first).unwrap();
        let listed = list(&shop.ports, &shop.caller(&second)).unwrap();
        let ids: Vec<_> = listed.iter().map(|session| Some(session.id)).collect();
        let expected = [&first, &second].map(|session| shop.caller(session).session);
        assert_eq!(ids, expected);
        assert_eq!(
            listed[0].expires_at - listed[0].refreshed_at,
            shop.ports.lifetimes.refresh_seconds * 1_000
        );
    }
}

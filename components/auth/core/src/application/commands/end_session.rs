use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::{SessionCaller, SessionId};

/// Ends one session of the caller's account; it may be the caller's own.
pub struct Command {
    /// Who ends it.
    pub caller: SessionCaller,
    /// The session.
    pub session: SessionId,
}

/// Ends one session of the caller's account.
///
/// # Errors
/// [`Error::SessionNotFound`] when the account has no such session, [`Error::SessionEnded`], or a fault of the
/// database.
pub fn handle(ports: &Ports, command: Command) -> Result<(), Error> {
    let locks = locks::account(command.caller.account);
    ports.store.write(locks, |records| {
        let account = ports.caller_account(records, &command.caller)?;
        records
            .session_end(account.id(), command.session, ports.clock.now_ms())?
            .ok_or(Error::SessionNotFound)?;
        ports.end_session(records, command.session)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::Revoked;

    fn end(shop: &Shop, caller: SessionCaller, session: SessionId) -> Result<(), Error> {
        handle(&shop.ports, Command { caller, session })
    }

    #[test]
    fn a_session_is_ended_from_another_one_and_the_others_go_on() {
        let shop = Shop::new();
        let lost = shop.register("ada@example.com");
        let here = shop.login("ada@example.com", PASSWORD).unwrap();
        let caller = shop.caller(&here);
        let id = shop.caller(&lost).session.unwrap();
        end(&shop, caller, id).unwrap();
        assert!(shop.renew(&shop.caller(&lost)).is_err());
        assert!(shop.refresh(&lost).is_err());
        assert!(shop.renew(&caller).is_ok());
        let again = end(&shop, caller, id);
        assert_eq!(again, Err(Error::SessionNotFound));
        assert_eq!(shop.revoked(), [Revoked::Session(id)]);
    }

    #[test]
    fn the_sessions_of_others_are_not_found() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        let grace = shop.caller(&shop.register("grace@example.com"));
        let unknown = SessionId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        for id in [grace.session.unwrap(), unknown] {
            let refused = end(&shop, ada, id);
            assert_eq!(refused, Err(Error::SessionNotFound), "{id}");
        }
        assert!(shop.renew(&grace).is_ok());
    }
}

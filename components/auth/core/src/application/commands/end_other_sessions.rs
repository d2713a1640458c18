use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::SessionCaller;

/// There are no more than [`SESSIONS_PER_ACCOUNT_MAX`](crate::domain::SESSIONS_PER_ACCOUNT_MAX).
const ALL: u32 = u32::MAX;

/// Ends all sessions of the caller's account but the caller's own.
pub struct Command {
    /// Who ends them.
    pub caller: SessionCaller,
}

/// Ends all sessions of the caller's account but the caller's own.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<(), Error> {
    let Command { caller } = command;
    ports
        .store
        .write(locks::account(caller.account), |records| {
            let account = ports.caller_account(records, &caller)?;
            let sessions = records.sessions(account.id(), ports.clock.now_ms(), ALL)?;
            sessions
                .iter()
                .filter(|session| caller.session != Some(session.id))
                .try_for_each(|session| ports.end_session(records, session.id))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Session;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::Revoked;

    fn end_others(shop: &Shop, session: &Session) -> Result<(), Error> {
        let caller = shop.caller(session);
        handle(&shop.ports, Command { caller })
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
        end_others(&shop, &here).unwrap();
        for session in &others {
            assert!(shop.renew(&shop.caller(session)).is_err());
            assert!(shop.refresh(session).is_err());
        }
        for session in [&here, &grace] {
            assert!(shop.renew(&shop.caller(session)).is_ok());
        }
        let revoked: Vec<_> = shop.revoked();
        for session in &others {
            let id = shop.caller(session).session.unwrap();
            assert!(revoked.contains(&Revoked::Session(id)));
        }
        assert_eq!(revoked.len(), others.len());
        let ended = end_others(&shop, &others[0]);
        assert_eq!(ended, Err(Error::SessionEnded));
    }
}

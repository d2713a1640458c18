use crate::application::Error;
use crate::application::session::account_id;
use crate::domain::Account;
use crate::ports::{Ports, Store};

/// One account, enabled or not.
///
/// # Errors
/// [`Error::NotFound`], or a fault of the database.
pub fn find<S: Store>(ports: &Ports<S>, user_id: &str) -> Result<Account, Error> {
    let id = account_id(user_id)?;
    ports
        .store
        .read(|records| records.account(&id))?
        .ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::Shop;

    #[test]
    fn an_account_is_found_by_its_id_however_written() {
        let shop = Shop::new();
        let account = shop.register("ada@example.com").account;
        assert_eq!(find(&shop.ports, account.id.as_str()), Ok(account.clone()));
        assert_eq!(
            find(&shop.ports, &account.id.as_str().to_uppercase()),
            Ok(account)
        );
        for id in [
            "",
            "1",
            "' OR 1=1 --",
            "01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(find(&shop.ports, id).unwrap_err(), Error::NotFound, "{id}");
        }
    }
}

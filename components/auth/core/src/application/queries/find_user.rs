use crate::application::Error;
use crate::domain::{Account, AccountId};
use crate::ports::{Ports, Store};

/// One account, for an admin.
///
/// # Errors
/// [`Error::NotFound`], also for what is no id; or a fault of the database.
pub fn find_user<S: Store>(ports: &Ports<S>, id: &str) -> Result<Account, Error> {
    let id = AccountId::parse(id).map_err(|_| Error::NotFound)?;
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
    fn an_account_is_found_by_its_id_and_nothing_else() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let all = super::super::ListUsers {
            page: 1,
            limit: 1,
            after: None,
            email: None,
        };
        let ada = super::super::list_users(&shop.ports, all).unwrap().accounts;
        let found = find_user(&shop.ports, ada[0].id.as_str()).unwrap();
        assert_eq!(found, ada[0]);
        for id in [
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "ada@example.com",
            "",
        ] {
            assert_eq!(find_user(&shop.ports, id), Err(Error::NotFound), "{id}");
        }
    }
}

//! Table `users`.

use mercato_kernel::{Named as _, PageStart, Total};
use mercato_sql::{Row, params};

use super::{Records, damaged};
use crate::application::Error;
use crate::domain::{
    Account, AccountId, AccountRecord, AccountView, Email, Name, PasswordHash, Role,
};

const SELECT_ACCOUNT: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    WHERE id = ?";

const SELECT_ACCOUNT_BY_EMAIL: &str = "
    SELECT id, name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version
    FROM users
    WHERE email = ?";

const SELECT_VIEW: &str = "
    SELECT id, name, email, role, disabled, created_at, updated_at, version
    FROM users
    WHERE id = ?";

const SELECT_VIEW_BY_EMAIL: &str = "
    SELECT id, name, email, role, disabled, created_at, updated_at, version
    FROM users
    WHERE email = ?";

const SELECT_VIEWS: &str = "
    SELECT id, name, email, role, disabled, created_at, updated_at, version
    FROM users
    ORDER BY created_at, id
    LIMIT ? OFFSET ? -- plan: a page of an index";

const SELECT_VIEWS_AFTER: &str = "
    SELECT id, name, email, role, disabled, created_at, updated_at, version
    FROM users
    WHERE (created_at, id) > (?, ?)
    ORDER BY created_at, id
    LIMIT ?";

const COUNT_ACCOUNTS: &str = "
    SELECT COUNT(*) AS count
    FROM (SELECT 1 FROM users LIMIT ?) AS counted -- plan: no further than a total goes";

const COUNT_OTHER_ACTIVE_ADMINS: &str = "
    SELECT COUNT(*) AS count
    FROM users
    WHERE role = 'admin'
      AND disabled = 0
      AND id <> ?";

/// `$2b$12$…`: the cost stands at the fifth character.
const SELECT_COSTLIEST_HASH: &str = "
    SELECT password_hash
    FROM users
    ORDER BY substr(password_hash, 5, 2) DESC
    LIMIT 1 -- plan: the last row of an index";

const SELECT_ANY_ADMIN: &str = "
    SELECT 1
    FROM users
    WHERE role = 'admin'
    LIMIT 1 -- plan: one row of an index";

const INSERT_ACCOUNT: &str = "
    INSERT INTO users (name, email, password_hash, role, disabled, token_generation, created_at, updated_at, version, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE_ACCOUNT: &str = "
    UPDATE users
    SET name = ?, email = ?, password_hash = ?, role = ?, disabled = ?, token_generation = ?, created_at = ?, updated_at = ?, version = ?
    WHERE id = ?";

/// The column of which no two accounts may have the same.
const EMAIL: &str = "users.email";

impl Records<'_> {
    /// The account of that id.
    pub fn account(&self, id: AccountId) -> Result<Option<Account>, Error> {
        self.first(SELECT_ACCOUNT, params![&*id.text()], account)
    }

    /// The account of that address.
    pub fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error> {
        self.first(SELECT_ACCOUNT_BY_EMAIL, params![email.as_str()], account)
    }

    /// What is shown of the account of that id.
    pub fn account_view(&self, id: AccountId) -> Result<Option<AccountView>, Error> {
        self.first(SELECT_VIEW, params![&*id.text()], view)
    }

    /// What is shown of the account of that address.
    pub fn account_view_by_email(&self, email: &Email) -> Result<Option<AccountView>, Error> {
        self.first(SELECT_VIEW_BY_EMAIL, params![email.as_str()], view)
    }

    /// What is shown of accounts, oldest first; they are sorted by `created_at` and id.
    pub fn account_views(
        &self,
        start: &PageStart<(u64, AccountId)>,
        limit: u32,
    ) -> Result<Vec<AccountView>, Error> {
        match start {
            PageStart::Offset(offset) => self.all(SELECT_VIEWS, params![limit, *offset], view),
            PageStart::After((created_at, id)) => {
                let values = params![*created_at, &*id.text(), limit];
                self.all(SELECT_VIEWS_AFTER, values, view)
            }
        }
    }

    /// All accounts.
    #[cfg(test)]
    pub fn all_accounts(&self) -> Result<Vec<Account>, Error> {
        self.all("SELECT * FROM users -- of a test", params![], account)
    }

    /// Number of all accounts, as far as they are counted.
    pub fn count_accounts(&self) -> Result<Total, Error> {
        let rows = self.number(COUNT_ACCOUNTS, params![Total::LIMIT_ROWS], "count")?;
        Ok(Total::counted(rows))
    }

    /// Number of enabled admins other than that account.
    pub fn count_other_active_admins(&self, id: AccountId) -> Result<u64, Error> {
        self.number(COUNT_OTHER_ACTIVE_ADMINS, params![&*id.text()], "count")
    }

    /// One of the password hashes that take longest to verify; none without accounts.
    pub fn costliest_hash(&self) -> Result<Option<PasswordHash>, Error> {
        self.first(SELECT_COSTLIEST_HASH, params![], |row| {
            Ok(PasswordHash::new(row.get("password_hash")?))
        })
    }

    /// Whether any account, enabled or not, is an admin's.
    pub fn has_admin(&self) -> Result<bool, Error> {
        Ok(self.0.query_one(SELECT_ANY_ADMIN, params![])?.is_some())
    }

    /// Adds an account; [`Error::EmailTaken`] when another one has its address.
    pub fn add_account(&self, account: &Account) -> Result<(), Error> {
        self.write_account(INSERT_ACCOUNT, account)
    }

    /// Replaces the account of that id; [`Error::EmailTaken`] when another one has its address.
    pub fn save_account(&self, account: &Account) -> Result<(), Error> {
        self.write_account(UPDATE_ACCOUNT, account)
    }

    /// Runs [`INSERT_ACCOUNT`] or [`UPDATE_ACCOUNT`], whose parameters are the same.
    fn write_account(&self, statement: &str, account: &Account) -> Result<(), Error> {
        let record = account.record();
        let values = params![
            record.name.as_str(),
            record.email.as_str(),
            record.password_hash.expose(),
            record.role.name(),
            record.disabled,
            record.token_generation,
            record.created_at,
            record.updated_at,
            record.version,
            &*record.id.text(),
        ];
        match self.0.execute(statement, values) {
            Ok(_) => Ok(()),
            Err(mercato_sql::Error::Constraint(broken)) if broken.is_of_unique(EMAIL) => {
                Err(Error::EmailTaken)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn account(row: &Row) -> Result<Account, Error> {
    let (name, email): (String, String) = (row.get("name")?, row.get("email")?);
    Ok(Account::restore(AccountRecord {
        id: account_id(row, "id")?,
        name: Name::parse(&name).map_err(|rule| damaged("name", &rule.must))?,
        email: Email::parse(&email).map_err(|rule| damaged("email", &rule.must))?,
        password_hash: PasswordHash::new(row.get("password_hash")?),
        role: role(row)?,
        disabled: row.get("disabled")?,
        token_generation: row.get("token_generation")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    }))
}

fn view(row: &Row) -> Result<AccountView, Error> {
    Ok(AccountView {
        id: account_id(row, "id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        role: role(row)?,
        disabled: row.get("disabled")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    })
}

fn role(row: &Row) -> Result<Role, Error> {
    let role = Role::from_name(&row.get::<String>("role")?);
    role.ok_or_else(|| damaged("role", "must be customer or admin"))
}

/// The id of an account in that column.
pub(super) fn account_id(row: &Row, column: &str) -> Result<AccountId, Error> {
    let id = AccountId::parse(&row.get::<String>(column)?);
    id.map_err(|error| damaged(column, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::testing::{
        NOW, add, changed, id, kept, query_plan, session, somebody, token,
    };

    #[test]
    fn an_account_comes_back_as_it_went_in() {
        let store = Store::for_test();
        let odd_name = Name::parse("Robert'); DROP TABLE users;--").unwrap();
        let account = changed(&somebody(1), |record| {
            record.name = odd_name;
            record.role = Role::Admin;
            record.disabled = true;
            record.version = 9;
        });
        add(&store, &account);
        let found = store.read(|records| records.account(account.id())).unwrap();
        assert_eq!(found, Some(account.clone()));
        let found = store
            .read(|records| records.account_by_email(account.email()))
            .unwrap();
        assert_eq!(found, Some(account));
        assert_eq!(store.read(|records| records.account(id(2))), Ok(None));
        assert_eq!(
            store.read(|records| records.account_by_email(somebody(2).email())),
            Ok(None)
        );
    }

    #[test]
    fn saving_replaces_that_account_and_no_other() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        add(&store, &somebody(2));
        let name = Name::parse("Another").unwrap();
        let another = changed(&somebody(1), |record| {
            record.name = name;
            record.role = Role::Admin;
            record.version = 2;
            record.updated_at = NOW + 50;
        });
        store
            .change(|records| records.save_account(&another))
            .unwrap();
        assert_eq!(
            store.read(|records| records.account(id(1))),
            Ok(Some(another))
        );
        assert_eq!(
            store.read(|records| records.account(id(2))),
            Ok(Some(somebody(2)))
        );
    }

    #[test]
    fn an_address_belongs_to_one_account() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        add(&store, &somebody(2));
        let with_first_email = |account: &Account| {
            changed(account, |record| record.email = somebody(1).email().clone())
        };
        let twin = with_first_email(&somebody(3));
        assert_eq!(
            store.change(|records| records.add_account(&twin)),
            Err(Error::EmailTaken)
        );
        let moved = with_first_email(&somebody(2));
        assert_eq!(
            store.change(|records| records.save_account(&moved)),
            Err(Error::EmailTaken)
        );
        assert_eq!(
            store.read(|records| records.count_accounts()),
            Ok(Total::counted(2))
        );
    }

    #[test]
    fn another_broken_constraint_is_a_fault_and_no_taken_address() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        let same_id = changed(&somebody(2), |record| record.id = id(1));
        let result = store.change(|records| records.add_account(&same_id));
        // Where there are several writers, another one may have been faster.
        assert!(
            matches!(&result, Err(Error::Internal(cause) | Error::Unavailable(cause)) if cause.contains("UNIQUE")),
            "{result:?}"
        );
        let orphan = token("a", session(1), &somebody(7));
        let result = store.change(|records| records.add_refresh_token(&orphan));
        assert!(
            matches!(&result, Err(Error::Internal(cause)) if cause.contains("FOREIGN KEY")),
            "{result:?}"
        );
    }

    #[test]
    fn an_error_takes_the_whole_unit_back() {
        let store = Store::for_test();
        let result = store.change(|records| {
            records.add_account(&somebody(1))?;
            records.add_refresh_token(&token("a", session(1), &somebody(1)))?;
            Err::<(), _>(Error::LastAdmin)
        });
        assert_eq!(result, Err(Error::LastAdmin));
        assert_eq!(
            store.read(|records| records.count_accounts()),
            Ok(Total::counted(0))
        );
        assert_eq!(kept(&store, &token("a", session(1), &somebody(1))), None);
    }

    #[test]
    fn pages_are_oldest_first() {
        let store = Store::for_test();
        for number in [3, 1, 2] {
            add(&store, &somebody(number));
        }
        let page = |offset, limit| {
            let start = PageStart::Offset(offset);
            store
                .read(|records| records.account_views(&start, limit))
                .unwrap()
        };
        let view = |number| AccountView::from(somebody(number));
        assert_eq!(page(0, 2), [view(1), view(2)]);
        assert_eq!(page(2, 2), [view(3)]);
        assert_eq!(page(u64::MAX, 2), []);
        assert_eq!(
            store.read(|records| records.count_accounts()),
            Ok(Total::counted(3))
        );
    }

    #[test]
    fn a_view_is_found_by_id_and_by_address() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        add(&store, &somebody(2));
        let view = AccountView::from(somebody(2));
        let found = store.read(|records| records.account_view(id(2)));
        assert_eq!(found, Ok(Some(view.clone())));
        let found = store.read(|records| records.account_view_by_email(somebody(2).email()));
        assert_eq!(found, Ok(Some(view)));
        let missing = store.read(|records| records.account_view(id(3)));
        assert_eq!(missing, Ok(None));
        let missing = store.read(|records| records.account_view_by_email(somebody(3).email()));
        assert_eq!(missing, Ok(None));
    }

    #[test]
    fn a_page_after_an_account_goes_on_where_it_would_stand() {
        let store = Store::for_test();
        for number in 1..=4 {
            let created_at = NOW + u64::from(number / 2);
            let account = changed(&somebody(number), |record| record.created_at = created_at);
            add(&store, &account);
        }
        let after = |created_at, number, limit| -> Vec<AccountId> {
            let start = PageStart::After((created_at, id(number)));
            let views = store.read(|records| records.account_views(&start, limit));
            views.unwrap().into_iter().map(|view| view.id).collect()
        };
        assert_eq!(after(0, 0, 2), [id(1), id(2)]);
        assert_eq!(after(NOW + 1, 2, 9), [id(3), id(4)]);
        assert_eq!(
            after(NOW, 9, 1),
            [id(2)],
            "nobody need stand there any more"
        );
        assert_eq!(after(NOW + 2, 4, 9), []);
    }

    #[test]
    fn pages_and_the_costliest_hash_are_found_by_index() {
        let store = Store::on_sqlite();
        for (statement, parameters, index) in [
            (
                SELECT_VIEWS_AFTER,
                params![1, "x", 1].as_slice(),
                "users_by_age",
            ),
            (SELECT_COSTLIEST_HASH, params![], "users_by_hash_cost"),
        ] {
            let plan = query_plan(&store, statement, parameters);
            assert!(
                plan.contains(index) && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
    }

    #[test]
    fn one_of_the_costliest_hashes_is_found() {
        let store = Store::for_test();
        let costliest = || store.read(|records| records.costliest_hash()).unwrap();
        assert_eq!(costliest(), None);
        for (number, hash) in [(1, "$2b$09$x"), (2, "$2a$12$y"), (3, "$2b$10$z")] {
            let hash = PasswordHash::new(hash.to_owned());
            let account = changed(&somebody(number), |record| record.password_hash = hash);
            add(&store, &account);
        }
        assert_eq!(costliest().unwrap().expose(), "$2a$12$y");
    }

    #[test]
    fn only_enabled_admins_are_counted_and_any_admin_is_one() {
        let store = Store::for_test();
        let others = || {
            store
                .read(|records| records.count_other_active_admins(id(1)))
                .unwrap()
        };
        let any = || store.read(|records| records.has_admin()).unwrap();
        add(&store, &somebody(2));
        assert_eq!((others(), any()), (0, false));
        let admin = |number| changed(&somebody(number), |record| record.role = Role::Admin);
        add(&store, &changed(&admin(3), |record| record.disabled = true));
        assert_eq!((others(), any()), (0, true));
        add(&store, &admin(1));
        assert_eq!(others(), 0, "the account itself does not count");
        add(&store, &admin(4));
        assert_eq!(others(), 1);
    }

    #[test]
    fn damaged_rows_are_a_fault_and_not_a_panic() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        store
            .change(|records| {
                records.execute("UPDATE users SET email = 'nowhere' -- of a test", params![])
            })
            .unwrap();
        let result = store.read(|records| records.account(id(1)));
        assert!(
            matches!(&result, Err(Error::Internal(cause)) if cause.contains("email")),
            "{result:?}"
        );
    }
}

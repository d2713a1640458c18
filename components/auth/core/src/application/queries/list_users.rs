use mercato_kernel::{Cursor, Key, NotACursor, Total, skipped_rows};

use crate::application::Error;
use crate::domain::{Account, AccountId, BrokenRule, Email, Fields};
use crate::ports::{Ports, Store};

/// Most accounts on one page.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// The one order that accounts are listed in.
const CURSOR_SCOPE: &str = "users:createdAt";

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUsers {
    /// From 1; does not count with `after`.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Only the account of that address.
    pub email: Option<String>,
}

/// Accounts of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// Oldest first.
    pub accounts: Vec<Account>,
    /// Number of accounts on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// Where a page begins.
enum Start {
    Offset(u64),
    After(u64, AccountId),
}

/// All accounts, oldest first.
///
/// # Errors
/// [`Error::Invalid`] for a page, limit or cursor that is none, or a fault of the database.
pub fn list_users<S: Store>(ports: &Ports<S>, query: ListUsers) -> Result<UserPage, Error> {
    let limit = query.limit;
    let (page, start, email) = validate(query)?;
    if let Some(email) = email {
        let found = ports
            .store
            .read(|records| records.account_by_email(&email))?;
        return Ok(only(found, page, &start));
    }
    // One more than wanted tells whether there is a next page.
    let wanted = limit.saturating_add(1);
    let (mut accounts, total) = ports.store.read(|records| {
        let accounts = match &start {
            Start::Offset(offset) => records.accounts(*offset, wanted)?,
            Start::After(created_at, id) => records.accounts_after(*created_at, id, wanted)?,
        };
        Ok((accounts, records.count_accounts()?))
    })?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = accounts.len() > limit;
    accounts.truncate(limit);
    let next = accounts
        .last()
        .filter(|_| has_next)
        .map(|last| cursor_after(last, page.saturating_add(1)));
    Ok(UserPage {
        accounts,
        total,
        page,
        next,
    })
}

/// The list of the one account that there is of an address, or of none: it has one page.
fn only(found: Option<Account>, page: u32, start: &Start) -> UserPage {
    let total = Total::counted(found.iter().count().try_into().unwrap_or_default());
    let is_first = matches!(start, Start::Offset(0));
    UserPage {
        accounts: found.filter(|_| is_first).into_iter().collect(),
        total,
        page,
        next: None,
    }
}

fn cursor_after(account: &Account, page: u32) -> String {
    let created_at = i64::try_from(account.created_at).unwrap_or(i64::MAX);
    let keys = vec![Key::from(created_at), Key::from(account.id.as_str())];
    let scope = CURSOR_SCOPE.to_owned();
    Cursor { scope, page, keys }.encode()
}

/// The page's number, where it begins, and whose account is wanted.
fn validate(query: ListUsers) -> Result<(u32, Start, Option<Email>), Error> {
    let mut fields = Fields::default();
    let limit = match query.limit {
        0 => Err(BrokenRule::new("min", "must be at least 1")),
        1..=PAGE_LIMIT_MAX => Ok(query.limit),
        _ => Err(BrokenRule::new(
            "max",
            format!("must not be greater than {PAGE_LIMIT_MAX}"),
        )),
    };
    let start = match &query.after {
        Some(cursor) => fields.take(
            "after",
            after(cursor).map_err(|error| BrokenRule::new("format", error.to_string())),
        ),
        None => fields.take("page", numbered(query.page, query.limit)),
    };
    let email = query.email.as_deref().map(Email::parse).transpose();
    let limit = fields.take("limit", limit);
    match (start, limit, fields.take("email", email)) {
        (Some((page, start)), Some(_), Some(email)) => Ok((page, start, email)),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
}

fn numbered(page: u32, limit: u32) -> Result<(u32, Start), BrokenRule> {
    if page == 0 {
        return Err(BrokenRule::new("min", "must be at least 1"));
    }
    let offset = skipped_rows(page, limit)
        .map_err(|too_deep| BrokenRule::new("max", too_deep.to_string()))?;
    Ok((page, Start::Offset(offset)))
}

fn after(cursor: &str) -> Result<(u32, Start), NotACursor> {
    let Cursor { page, keys, .. } = Cursor::decode(cursor, CURSOR_SCOPE)?;
    let [Key::Integer(created_at), Key::Text(id)] = keys.as_slice() else {
        return Err(NotACursor);
    };
    let created_at = u64::try_from(*created_at).map_err(|_| NotACursor)?;
    let id = AccountId::parse(id).map_err(|_| NotACursor)?;
    Ok((page, Start::After(created_at, id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::Shop;

    fn emails(page: &UserPage) -> Vec<&str> {
        page.accounts
            .iter()
            .map(|account| account.email.as_str())
            .collect()
    }

    fn numbered_page(shop: &Shop, page: u32) -> UserPage {
        let query = ListUsers {
            page,
            limit: 2,
            after: None,
            email: None,
        };
        list_users(&shop.ports, query).unwrap()
    }

    fn page_after(shop: &Shop, cursor: &str) -> Result<UserPage, Error> {
        let query = ListUsers {
            page: 1,
            limit: 2,
            after: Some(cursor.to_owned()),
            email: None,
        };
        list_users(&shop.ports, query)
    }

    fn shop_of(names: &[&str]) -> Shop {
        let shop = Shop::new();
        for name in names {
            shop.register(&format!("{name}@example.com"));
            shop.advance_seconds(1);
        }
        shop
    }

    #[test]
    fn pages_are_oldest_first_and_know_the_total() {
        let shop = shop_of(&["e", "d", "c", "b", "a"]);
        let first = numbered_page(&shop, 1);
        assert_eq!(emails(&first), ["e@example.com", "d@example.com"]);
        let last = numbered_page(&shop, 3);
        assert_eq!(emails(&last), ["a@example.com"]);
        assert_eq!((last.total, last.next), (Total::counted(5), None));
        let beyond = numbered_page(&shop, 4);
        assert_eq!((beyond.accounts, beyond.total), (vec![], Total::counted(5)));
    }

    #[test]
    fn cursors_lead_through_all_pages_and_count_them() {
        let shop = shop_of(&["d", "c", "b", "a"]);
        let first = numbered_page(&shop, 1);
        let second = page_after(&shop, &first.next.unwrap()).unwrap();
        assert_eq!(emails(&second), ["b@example.com", "a@example.com"]);
        assert_eq!(
            (second.page, second.total, second.next),
            (2, Total::counted(4), None)
        );
    }

    #[test]
    fn an_account_is_found_by_its_address() {
        let shop = shop_of(&["a", "b"]);
        let of = |email: &str, page: u32| {
            let query = ListUsers {
                page,
                limit: 2,
                after: None,
                email: Some(email.to_owned()),
            };
            list_users(&shop.ports, query)
        };
        let found = of(" B@Example.com ", 1).unwrap();
        assert_eq!(emails(&found), ["b@example.com"]);
        assert_eq!((found.total, found.next), (Total::counted(1), None));
        assert!(of("b@example.com", 2).unwrap().accounts.is_empty());
        let nobody = of("c@example.com", 1).unwrap();
        assert_eq!((nobody.accounts, nobody.total), (vec![], Total::counted(0)));
        for wrong in ["", "b", "b@example.com, c@example.com"] {
            let Error::Invalid(errors) = of(wrong, 1).unwrap_err() else {
                panic!("not Invalid")
            };
            assert_eq!(errors[0].field, "email", "{wrong}");
        }
    }

    #[test]
    fn accounts_of_the_same_moment_are_all_seen() {
        let shop = Shop::new();
        for number in 0..7 {
            shop.register(&format!("user{number}@example.com"));
        }
        let mut page = numbered_page(&shop, 1);
        let mut seen = page.accounts.clone();
        while let Some(next) = &page.next {
            page = page_after(&shop, next).unwrap();
            seen.extend(page.accounts.clone());
        }
        assert_eq!((seen.len(), page.page), (7, 4));
        seen.dedup();
        assert_eq!(seen.len(), 7);
    }

    #[test]
    fn a_walk_sees_every_account_once_while_others_register() {
        let shop = shop_of(&["a", "b", "c"]);
        let first = numbered_page(&shop, 1);
        shop.register("late@example.com");
        let second = page_after(&shop, &first.next.unwrap()).unwrap();
        assert_eq!(emails(&second), ["c@example.com", "late@example.com"]);
        assert_eq!((second.total, second.next), (Total::counted(4), None));
    }

    #[test]
    fn what_no_page_gave_is_no_cursor() {
        let shop = shop_of(&["a"]);
        let made_up = |scope: &str, keys: Vec<Key>| {
            let scope = scope.to_owned();
            Cursor {
                scope,
                page: 2,
                keys,
            }
            .encode()
        };
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for cursor in [
            String::new(),
            "nonsense".to_owned(),
            made_up("products:name", vec![1.into(), id.into()]),
            made_up(CURSOR_SCOPE, vec![1.into()]),
            made_up(CURSOR_SCOPE, vec![id.into(), 1.into()]),
            made_up(CURSOR_SCOPE, vec![(-1).into(), id.into()]),
            made_up(CURSOR_SCOPE, vec![1.into(), "x".into()]),
            made_up(CURSOR_SCOPE, vec![1.into(), id.into(), 1.into()]),
        ] {
            let Error::Invalid(errors) = page_after(&shop, &cursor).unwrap_err() else {
                panic!("not Invalid")
            };
            assert_eq!((errors[0].field, errors[0].code), ("after", "format"));
        }
        assert!(page_after(&shop, &made_up(CURSOR_SCOPE, vec![1.into(), id.into()])).is_ok());
    }

    #[test]
    fn page_and_limit_have_bounds() {
        let shop = Shop::new();
        for (page, limit, expected) in [
            (0, 10, vec![("page", "min")]),
            (1, 0, vec![("limit", "min")]),
            (1, 101, vec![("limit", "max")]),
            (0, 0, vec![("page", "min"), ("limit", "min")]),
            (102, 100, vec![("page", "max")]),
            (u32::MAX, 1, vec![("page", "max")]),
        ] {
            let Error::Invalid(errors) = list_users(
                &shop.ports,
                ListUsers {
                    page,
                    limit,
                    after: None,
                    email: None,
                },
            )
            .unwrap_err() else {
                panic!("not Invalid")
            };
            let named: Vec<_> = errors
                .iter()
                .map(|error| (error.field, error.code))
                .collect();
            assert_eq!(named, expected);
        }
        assert!(
            list_users(
                &shop.ports,
                ListUsers {
                    page: 101,
                    limit: 100,
                    after: None,
                    email: None,
                }
            )
            .is_ok()
        );
    }
}

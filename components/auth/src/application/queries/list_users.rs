use crate::application::Error;
use crate::domain::{Account, BrokenRule, Fields};
use crate::ports::{Ports, Store};

/// Most accounts on one page.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// A page of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListUsers {
    /// From 1.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
}

/// Accounts of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// Oldest first.
    pub accounts: Vec<Account>,
    /// Number of accounts on all pages.
    pub total: u64,
}

/// All accounts, oldest first.
///
/// # Errors
/// [`Error::Invalid`] for a page or limit out of range, or a fault of the database.
pub fn list_users<S: Store>(ports: &Ports<S>, query: ListUsers) -> Result<UserPage, Error> {
    let offset = validate(query)?;
    ports.store.read(|records| {
        let accounts = records.accounts(offset, query.limit)?;
        Ok(UserPage {
            accounts,
            total: records.count_accounts()?,
        })
    })
}

/// Number of accounts before the page.
fn validate(query: ListUsers) -> Result<u64, Error> {
    let mut fields = Fields::default();
    let before = query
        .page
        .checked_sub(1)
        .ok_or_else(|| BrokenRule::new("min", "must be at least 1"));
    let pages = fields.take("page", before);
    let limit = match query.limit {
        0 => Err(BrokenRule::new("min", "must be at least 1")),
        1..=PAGE_LIMIT_MAX => Ok(query.limit),
        _ => Err(BrokenRule::new(
            "max",
            format!("must not be greater than {PAGE_LIMIT_MAX}"),
        )),
    };
    match (pages, fields.take("limit", limit)) {
        (Some(pages), Some(limit)) => Ok(u64::from(pages) * u64::from(limit)),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
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

    #[test]
    fn pages_are_oldest_first_and_know_the_total() {
        let shop = Shop::new();
        for name in ["e", "d", "c", "b", "a"] {
            shop.register(&format!("{name}@example.com"));
            shop.advance_seconds(1);
        }
        let page = |page| list_users(&shop.ports, ListUsers { page, limit: 2 }).unwrap();
        assert_eq!(emails(&page(1)), ["e@example.com", "d@example.com"]);
        assert_eq!(emails(&page(3)), ["a@example.com"]);
        assert_eq!(page(3).total, 5);
        assert_eq!(
            page(4),
            UserPage {
                accounts: vec![],
                total: 5
            }
        );
        assert_eq!(page(u32::MAX).total, 5);
    }

    #[test]
    fn page_and_limit_have_bounds() {
        let shop = Shop::new();
        for (page, limit, expected) in [
            (0, 10, vec![("page", "min")]),
            (1, 0, vec![("limit", "min")]),
            (1, 101, vec![("limit", "max")]),
            (0, 0, vec![("page", "min"), ("limit", "min")]),
        ] {
            let Error::Invalid(errors) =
                list_users(&shop.ports, ListUsers { page, limit }).unwrap_err()
            else {
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
                    page: 1,
                    limit: 100
                }
            )
            .is_ok()
        );
    }
}

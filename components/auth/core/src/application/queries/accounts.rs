use mercato_kernel::{Key, Page, PageRequest, PageStart, Total};

use crate::application::Error;
use crate::application::ports::Ports;
use crate::domain::{AccountId, AccountView, Email, Fields, SessionCaller};

/// The one order that accounts are listed in.
const CURSOR_SCOPE: &str = "users:createdAt";

/// The caller's own account, as it is now.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn own(ports: &Ports, caller: &SessionCaller) -> Result<AccountView, Error> {
    ports
        .store
        .read(|records| ports.caller_account(records, caller))
        .map(AccountView::from)
}

/// One account, for an admin.
///
/// # Errors
/// [`Error::NotFound`], or a fault of the database.
pub fn find(ports: &Ports, id: AccountId) -> Result<AccountView, Error> {
    ports
        .store
        .read(|records| records.account_view(id))?
        .ok_or(Error::NotFound)
}

/// All accounts, oldest first; with `email` only the one of that address.
///
/// # Errors
/// [`Error::Invalid`] for an address, a page or a cursor that is none, or a fault of the database.
pub fn list(
    ports: &Ports,
    request: &PageRequest,
    email: Option<&str>,
) -> Result<Page<AccountView>, Error> {
    let (number, start, email) = validate(request, email)?;
    let (views, total) = ports.store.read(|records| match &email {
        Some(email) => {
            let found = records.account_view_by_email(email)?;
            let total = Total::counted(u64::from(found.is_some()));
            let is_first = start == PageStart::Offset(0);
            Ok((found.into_iter().filter(|_| is_first).collect(), total))
        }
        None => {
            let views = records.account_views(&start, request.rows_to_read())?;
            Ok((views, records.count_accounts()?))
        }
    })?;
    Ok(request.page(number, views, total, CURSOR_SCOPE, |last| {
        let created_at = i64::try_from(last.created_at).unwrap_or(i64::MAX);
        vec![created_at.into(), (&*last.id.text()).into()]
    }))
}

type Start = PageStart<(u64, AccountId)>;

/// The page's number, where it begins, and whose account is wanted.
fn validate(
    request: &PageRequest,
    email: Option<&str>,
) -> Result<(u32, Start, Option<Email>), Error> {
    let mut fields = Fields::default();
    let start = fields.note(request.start(CURSOR_SCOPE, keys));
    let email = fields.take("email", email.map(Email::parse).transpose());
    match (start, email) {
        (Some((number, start)), Some(email)) => Ok((number, start, email)),
        _ => Err(Error::Invalid(fields.into_errors())),
    }
}

fn keys(keys: &[Key]) -> Option<(u64, AccountId)> {
    let [Key::Integer(created_at), Key::Text(id)] = keys else {
        return None;
    };
    Some((u64::try_from(*created_at).ok()?, AccountId::parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use mercato_kernel::Cursor;

    use super::*;
    use crate::application::testing::{Shop, nobody};

    fn request(page: u32, limit: u32, after: Option<&str>) -> PageRequest {
        PageRequest {
            page,
            limit,
            after: after.map(str::to_owned),
        }
    }

    fn emails(page: &Page<AccountView>) -> Vec<&str> {
        page.entries.iter().map(|account| &*account.email).collect()
    }

    fn numbered_page(shop: &Shop, page: u32) -> Page<AccountView> {
        list(&shop.ports, &request(page, 2, None), None).unwrap()
    }

    fn page_after(shop: &Shop, cursor: &str) -> Result<Page<AccountView>, Error> {
        list(&shop.ports, &request(1, 2, Some(cursor)), None)
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
        assert_eq!((beyond.entries, beyond.total), (vec![], Total::counted(5)));
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
        let of = |email: &str, page: u32| list(&shop.ports, &request(page, 2, None), Some(email));
        let found = of(" B@Example.com ", 1).unwrap();
        assert_eq!(emails(&found), ["b@example.com"]);
        assert_eq!((found.total, found.next), (Total::counted(1), None));
        assert!(of("b@example.com", 2).unwrap().entries.is_empty());
        let nobody = of("c@example.com", 1).unwrap();
        assert_eq!((nobody.entries, nobody.total), (vec![], Total::counted(0)));
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
        let mut seen = page.entries.clone();
        while let Some(next) = &page.next {
            page = page_after(&shop, next).unwrap();
            seen.extend(page.entries.clone());
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
            assert_eq!((&*errors[0].field, &*errors[0].code), ("after", "format"));
        }
        assert!(page_after(&shop, &made_up(CURSOR_SCOPE, vec![1.into(), id.into()])).is_ok());
    }

    #[test]
    fn a_page_too_deep_and_a_wrong_address_are_both_named() {
        let shop = Shop::new();
        let refused = list(&shop.ports, &request(102, 100, None), Some("nobody"));
        let Error::Invalid(errors) = refused.unwrap_err() else {
            panic!("not Invalid")
        };
        let named: Vec<_> = errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect();
        assert_eq!(named, [("page", "max"), ("email", "format")]);
        assert!(list(&shop.ports, &request(101, 100, None), None).is_ok());
    }

    #[test]
    fn a_caller_is_known_while_account_and_session_are_good() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let caller = shop.caller(&session);
        assert_eq!(own(&shop.ports, &caller), Ok(session.account.clone()));
        let older = SessionCaller {
            session: None,
            ..caller
        };
        shop.log_out(&session.tokens.refresh_token).unwrap();
        let refused = Err(Error::SessionEnded);
        assert_eq!(own(&shop.ports, &caller), refused);
        assert!(own(&shop.ports, &older).is_ok());
        shop.disable("ada@example.com");
        assert_eq!(own(&shop.ports, &older), refused);
    }

    #[test]
    fn an_account_is_found_by_its_id_and_nothing_else() {
        let shop = Shop::new();
        let ada = shop.register("ada@example.com").account;
        assert_eq!(find(&shop.ports, ada.id), Ok(ada));
        assert_eq!(find(&shop.ports, nobody()), Err(Error::NotFound));
    }
}

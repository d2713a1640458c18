//! Whose checkout it is that a request is about.

use checkout::domain::{CheckoutToken, Holder};
use mercato_edge::{GuestToken, Problem};
use mercato_kernel::Caller;

/// Who asks: the account of the token, or whoever has a guest's token.
///
/// # Errors
/// 404 for nobody: no checkout is theirs.
pub fn holder(caller: Option<Caller>, token: GuestToken) -> Result<Holder, Problem> {
    if let Some(id) = caller.and_then(|caller| caller.account()) {
        return Ok(Holder::Account(id));
    }
    let token = token.0.map(CheckoutToken::new).map(Holder::Guest);
    token.ok_or_else(|| Problem::not_found("checkout"))
}

#[cfg(test)]
mod tests {
    use mercato_kernel::AccountId;

    use super::*;

    #[test]
    fn an_account_a_guest_or_nobody_asks() {
        let id = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let of = |token: &str| GuestToken(Some(token.to_owned()));
        for caller in [Caller::Customer(id), Caller::Admin(id)] {
            let asks = holder(Some(caller), of("guest_a")).unwrap();
            assert_eq!(asks, Holder::Account(id));
        }
        let asks = holder(None, of("guest_a")).unwrap();
        let token = CheckoutToken::new("guest_a".to_owned());
        assert_eq!(asks, Holder::Guest(token));
        let nobody = holder(None, GuestToken(None)).unwrap_err();
        assert_eq!(nobody.status().as_u16(), 404);
    }
}

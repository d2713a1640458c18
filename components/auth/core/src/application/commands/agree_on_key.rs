use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::store::Records;

/// What a runner makes of the key that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    /// It is its own.
    Agreed,
    /// Its own takes the place of the one before.
    Takes,
    /// It could not verify what the others sign, nor they what it signs.
    Differs,
}

/// Agrees with the other runners of the same database on the key that signs access tokens. The first one says which; one that has that key
/// as its previous one replaces it. Where nobody shares the database there is
/// nothing to agree on.
///
/// # Errors
/// [`Error::OtherSigningKey`], or a fault of the database.
pub fn handle(ports: &Ports) -> Result<(), Error> {
    let agreement = |records: &Records<'_>| agreement(ports, records);
    match ports.store.read(agreement)? {
        Agreement::Agreed => return Ok(()),
        Agreement::Differs => return Err(Error::OtherSigningKey),
        Agreement::Takes => {}
    }
    let now = ports.clock.now_ms();
    ports.store.write(locks::signing_key(), |records| {
        match self::agreement(ports, records)? {
            Agreement::Agreed => Ok(()),
            Agreement::Differs => Err(Error::OtherSigningKey),
            Agreement::Takes => records.save_signing_key(ports.keys.current_id(), now),
        }
    })
}

fn agreement(ports: &Ports, records: &Records<'_>) -> Result<Agreement, Error> {
    if !records.is_shared() {
        return Ok(Agreement::Agreed);
    }
    let (current, previous) = (ports.keys.current_id(), ports.keys.previous_id());
    Ok(match records.signing_key()? {
        None => Agreement::Takes,
        Some(key) if key == current => Agreement::Agreed,
        Some(key) if previous == Some(key.as_str()) => Agreement::Takes,
        Some(_) => Agreement::Differs,
    })
}

#[cfg(test)]
mod tests {
    use mercato_tokens::KeyRing;

    use super::*;
    use crate::application::testing::Shop;

    const SECRETS: [&str; 3] = [
        "the first secret, of forty bytes or more",
        "the second secret, of forty bytes or more",
        "the third secret, of forty bytes or more",
    ];

    fn with_keys(shop: &mut Shop, current: usize, previous: Option<usize>) -> Result<(), Error> {
        let previous = previous.map_or("", |number| SECRETS[number]);
        shop.ports.keys = KeyRing::new(SECRETS[current], previous).unwrap();
        handle(&shop.ports)
    }

    /// What comes of another key: an error where the database is shared.
    fn refused(shop: &Shop) -> Result<(), Error> {
        let is_shared = shop.ports.store.read(|records| Ok(records.is_shared()));
        match is_shared.unwrap() {
            true => Err(Error::OtherSigningKey),
            false => Ok(()),
        }
    }

    #[test]
    fn a_runner_with_another_key_is_noticed_where_the_database_is_shared() {
        let mut shop = Shop::new();
        assert_eq!(with_keys(&mut shop, 0, None), Ok(()));
        assert_eq!(with_keys(&mut shop, 0, Some(2)), Ok(()));
        assert_eq!(with_keys(&mut shop, 1, None), refused(&shop));
        // The first one is not asked to go on with a key that nobody else has.
        assert_eq!(with_keys(&mut shop, 0, None), Ok(()));
    }

    #[test]
    fn a_key_is_replaced_by_one_whose_runner_knows_it() {
        let mut shop = Shop::new();
        assert_eq!(with_keys(&mut shop, 0, None), Ok(()));
        assert_eq!(with_keys(&mut shop, 1, Some(0)), Ok(()));
        // Whoever has only the old one would refuse the new tokens.
        assert_eq!(with_keys(&mut shop, 0, None), refused(&shop));
        assert_eq!(with_keys(&mut shop, 1, None), Ok(()));
    }

    #[test]
    fn the_key_is_written_down_once() {
        let mut shop = Shop::new();
        assert_eq!(with_keys(&mut shop, 0, None), Ok(()));
        if refused(&shop).is_ok() {
            return;
        }
        let since = |shop: &Shop| shop.ports.store.read(|records| records.signing_key_since());
        let first = since(&shop).unwrap();
        shop.advance_seconds(1);
        assert_eq!(handle(&shop.ports), Ok(()));
        assert_eq!(since(&shop), Ok(first));
        assert_eq!(with_keys(&mut shop, 1, Some(0)), Ok(()));
        assert_eq!(since(&shop), Ok(first + 1_000));
    }
}

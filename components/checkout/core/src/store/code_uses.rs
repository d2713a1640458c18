//! Tables `code_holds` and `code_uses`: which order uses which codes.

use mercato_kernel::{AccountId, CheckoutId, Named as _, OrderId, Uuid};
use mercato_platform::random::to_hex;
use mercato_sql::params;
use sha2::{Digest, Sha256};

use super::{Records, key, named};
use crate::application::Error;
use crate::domain::{CodeName, Email};

/// Keeps these hashes apart from any other hash of the same address.
const EMAIL_DOMAIN: &[u8] = b"mercato discount code\0e-mail\0";

/// What has become of the codes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum HoldState {
    /// Counted, the order is not paid.
    Held,
    /// Counted for good.
    Committed,
    /// Given back.
    Released,
}

mercato_kernel::named!(HoldState);

/// Who uses codes: by either of the two, the uses of one customer are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Customer {
    account: Option<AccountId>,
    /// Only a hash is kept: an order outlives its checkout, and this database then holds no address.
    email_hash: Option<String>,
}

impl Customer {
    /// Of that account and address.
    #[must_use]
    pub fn new(account: Option<AccountId>, email: Option<&Email>) -> Self {
        let hash = |email: &Email| {
            let hash = Sha256::new().chain_update(EMAIL_DOMAIN);
            to_hex(&hash.chain_update(email.as_str()).finalize())
        };
        Self {
            account,
            email_hash: email.map(hash),
        }
    }
}

const SELECT_STATE: &str = "
    SELECT state
    FROM code_holds
    WHERE order_id = ?";

const REPLACE_STATE: &str = "
    INSERT INTO code_holds (order_id, state, changed_at)
    VALUES (?, ?, ?)
    ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at";

const INSERT_HOLD: &str = "
    INSERT INTO code_holds (order_id, state, changed_at, checkout_id)
    VALUES (?, ?, ?, ?)";

const SELECT_HELD: &str = "
    SELECT code
    FROM code_holds
    JOIN code_uses ON code_uses.order_id = code_holds.order_id
    WHERE checkout_id = ?
      AND state = 'held'";

const SELECT_CODES: &str = "
    SELECT code
    FROM code_uses
    WHERE order_id = ?
    ORDER BY code";

const INSERT_USES: &str = "
    INSERT INTO code_uses (order_id, code, account_id, email_hash)";

const DELETE_USES: &str = "
    DELETE FROM code_uses
    WHERE order_id = ?";

const COUNT_BY_CUSTOMER: &str = "
    SELECT COUNT(*) AS number
    FROM (
      SELECT order_id FROM code_uses WHERE code = ?1 AND account_id = ?2
      UNION
      SELECT order_id FROM code_uses WHERE code = ?1 AND email_hash = ?3
    ) AS used
    WHERE order_id NOT IN (SELECT order_id FROM code_holds WHERE checkout_id = ?4 AND state = 'held') -- plan: the orders of one customer";

const DELETE_RELEASED: &str = "
    DELETE FROM code_holds
    WHERE order_id IN (
      SELECT order_id
      FROM code_holds
      WHERE state = 'released'
        AND changed_at <= ?
      ORDER BY changed_at
      LIMIT ?
    )";

impl Records<'_> {
    /// What has become of the codes of an order; none when nothing is known of it.
    pub fn hold_state(&self, order: OrderId) -> Result<Option<HoldState>, Error> {
        self.first(SELECT_STATE, params![key(order)], |row| named(row, "state"))
    }

    /// Records what has become of the codes of an order at `now` (milliseconds since the Unix epoch).
    pub fn save_hold_state(&self, order: OrderId, state: HoldState, now: u64) -> Result<(), Error> {
        self.execute(REPLACE_STATE, params![key(order), state.name(), now])
    }

    /// Records at `now` (milliseconds since the Unix epoch) that an order of a checkout, of which nothing is known yet, holds codes.
    pub fn add_hold(&self, order: OrderId, checkout: CheckoutId, now: u64) -> Result<(), Error> {
        let values = params![key(order), HoldState::Held.name(), now, key(checkout)];
        self.execute(INSERT_HOLD, values)
    }

    /// The codes that are held for orders of a checkout.
    pub fn codes_held_for(&self, checkout: CheckoutId) -> Result<Vec<CodeName>, Error> {
        self.all(SELECT_HELD, params![key(checkout)], |row| {
            Ok(CodeName::stored(row.get("code")?))
        })
    }

    /// The codes that an order uses.
    fn codes_of(&self, order: OrderId) -> Result<Vec<CodeName>, Error> {
        self.all(SELECT_CODES, params![key(order)], |row| {
            Ok(CodeName::stored(row.get("code")?))
        })
    }

    /// How often a customer uses a code, beside what is held for orders of that checkout.
    pub fn uses_by(
        &self,
        name: &CodeName,
        customer: &Customer,
        except: Option<CheckoutId>,
    ) -> Result<u64, Error> {
        let values = params![
            name.as_str(),
            customer.account.map(key),
            customer.email_hash.as_deref(),
            key(except.map_or_else(Uuid::nil, Into::into)),
        ];
        self.number(COUNT_BY_CUSTOMER, values)
    }

    /// Counts a use of each of the codes for an order.
    pub fn use_codes(
        &self,
        order: OrderId,
        codes: &[CodeName],
        customer: &Customer,
    ) -> Result<(), Error> {
        let rows = codes.iter().map(|code| {
            [
                key(order),
                code.as_str().into(),
                customer.account.map(key).into(),
                customer.email_hash.as_deref().into(),
            ]
        });
        self.0.insert_rows(INSERT_USES, rows)?;
        codes.iter().try_for_each(|code| self.add_uses(code, 1))
    }

    /// Gives the uses of an order back.
    pub fn give_codes_back(&self, order: OrderId) -> Result<(), Error> {
        for code in self.codes_of(order)? {
            self.add_uses(&code, -1)?;
        }
        self.execute(DELETE_USES, params![key(order)])
    }

    /// Forgets orders whose codes were given back at that time (milliseconds since the Unix epoch) or before, so many at most; returns how
    /// many.
    pub fn remove_released_holds(&self, before: u64, limit: u32) -> Result<u64, Error> {
        self.changed(DELETE_RELEASED, params![before, limit])
    }
}

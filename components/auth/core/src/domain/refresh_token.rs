//! Refresh tokens: random, kept only as a hash, each good for one use.
//!
//! The tokens that follow from one login are its session's. Using a spent one again means that two parties hold the same
//! token, so the session ends (RFC 9700 section 4.14.2).

use hmac::{Hmac, Mac};
use mercato_kernel::{AccountId, SessionId};
use mercato_platform::random::to_hex;
use sha2::{Digest, Sha256};

use super::{Client, PAIRS_PER_COUNT, PAIRS_PER_SESSION_MAX};

/// A spent token that comes again from the same client within so many milliseconds gets the same answer: see
/// docs/decisions/0036.
pub const REUSE_GRACE_MS: u64 = 10_000;

/// Keeps successors apart from anything else that is keyed with the same salt.
const SUCCESSOR_DOMAIN: &str = "mercato refresh token successor\0";

/// Keeps these hashes apart from any other hash of the same text.
const CLIENT_DOMAIN: &str = "mercato refresh token client";

mercato_kernel::secret! {
    /// A refresh token as its bearer has it.
    RefreshSecret,
    /// SHA-256 of a refresh token.
    TokenHash: b""
}

impl RefreshSecret {
    /// The token that this one is traded for. It follows from this one and a random salt that is kept beside its hash, so
    /// whoever has only one of both can make nothing of it.
    ///
    /// None when the salt cannot be a key, which no text brings about.
    #[must_use]
    pub fn successor(&self, salt: &str) -> Option<Self> {
        let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).ok()?;
        let mac = mac.chain_update(SUCCESSOR_DOMAIN).chain_update(&self.0);
        Some(Self(to_hex(&mac.finalize().into_bytes())))
    }
}

/// A refresh token that was given. Only its methods change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken(RefreshTokenRecord);

/// What is stored of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshTokenRecord {
    /// The token's hash.
    pub hash: TokenHash,
    /// The session: the login that it follows from.
    pub session: SessionId,
    /// Whose session it is.
    pub account: AccountId,
    /// Milliseconds since the Unix epoch.
    pub issued_at: u64,
    /// Milliseconds since the Unix epoch.
    pub expires_at: u64,
    /// How many tokens the session has had with this one, from 1.
    pub number: u64,
    /// When and for what it was traded.
    pub spent: Option<Spending>,
}

/// What is kept of the trade of a refresh token for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Who did, as [`Spending::client_key`]; none when that is not known.
    pub client: Option<String>,
    /// What makes the [successor](RefreshSecret::successor) of the token; none in trades of older versions.
    pub salt: Option<String>,
    /// Id of the access token that was given with it.
    pub token_id: Option<String>,
}

impl Spending {
    /// What clients differ by: their network and what they say that they are. Only a hash is kept. None without a network.
    #[must_use]
    pub fn client_key(client: Option<&Client>, user_agent: Option<&str>) -> Option<String> {
        let mut hash = Sha256::new();
        for part in [
            CLIENT_DOMAIN,
            &client?.network(),
            user_agent.unwrap_or_default(),
        ] {
            hash.update(part);
            hash.update([0]);
        }
        Some(to_hex(&hash.finalize()))
    }

    /// Whether the same client may have the same answer again at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub fn allows_again(&self, client: Option<&str>, now: u64) -> bool {
        let is_soon = now.saturating_sub(self.at) < REUSE_GRACE_MS;
        is_soon && client.is_some() && self.client.as_deref() == client
    }
}

/// What a refresh token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May be traded for a new pair.
    Usable,
    /// Was traded before: its session must end.
    Spent,
    /// Too old.
    Expired,
}

impl RefreshToken {
    /// The first token of a new session.
    #[must_use]
    pub fn first(
        secret: &RefreshSecret,
        session: SessionId,
        account: AccountId,
        issued_at: u64,
        expires_at: u64,
    ) -> Self {
        Self(RefreshTokenRecord {
            hash: secret.hash(),
            session,
            account,
            issued_at,
            expires_at,
            number: 1,
            spent: None,
        })
    }

    /// The token as it was stored; for the store alone.
    #[must_use]
    pub const fn restore(record: RefreshTokenRecord) -> Self {
        Self(record)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &RefreshTokenRecord {
        &self.0
    }

    /// The session that it belongs to.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.0.session
    }

    /// Whose session it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.0.account
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn issued_at(&self) -> u64 {
        self.0.issued_at
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.0.expires_at
    }

    /// When and for what it was traded, if it was.
    #[must_use]
    pub const fn spending(&self) -> Option<&Spending> {
        self.0.spent.as_ref()
    }

    /// Whether its session has had as many pairs as a session may have.
    #[must_use]
    pub const fn is_last_of_session(&self) -> bool {
        self.0.number >= PAIRS_PER_SESSION_MAX
    }

    /// Whether the account's tokens are counted when this one is given.
    #[must_use]
    pub const fn is_to_be_counted(&self) -> bool {
        self.0.number.is_multiple_of(PAIRS_PER_COUNT)
    }

    /// The token, traded for the next one.
    #[must_use]
    pub fn spend(self, spending: Spending) -> Self {
        Self(RefreshTokenRecord {
            spent: Some(spending),
            ..self.0
        })
    }

    /// The token that this one is traded for.
    #[must_use]
    pub fn next(&self, secret: &RefreshSecret, issued_at: u64, expires_at: u64) -> Self {
        Self(RefreshTokenRecord {
            hash: secret.hash(),
            issued_at,
            expires_at,
            number: self.0.number.saturating_add(1),
            spent: None,
            ..self.0
        })
    }

    /// The standing at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn standing(&self, now: u64) -> Standing {
        if self.0.spent.is_some() {
            Standing::Spent
        } else if now >= self.0.expires_at {
            Standing::Expired
        } else {
            Standing::Usable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> RefreshToken {
        let secret = RefreshSecret::new("abc".to_owned());
        let session = SessionId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap();
        let account = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        RefreshToken::first(&secret, session, account, 1_000, 2_000)
    }

    fn spending(client: Option<&str>) -> Spending {
        Spending {
            at: 1_500,
            client: client.map(str::to_owned),
            salt: None,
            token_id: None,
        }
    }

    #[test]
    fn a_token_is_usable_until_it_is_spent_or_expires() {
        assert_eq!(token().standing(1_999), Standing::Usable);
        assert_eq!(token().standing(2_000), Standing::Expired);
        let spent = token().spend(spending(None));
        assert_eq!(spent.standing(1_600), Standing::Spent);
        assert_eq!(spent.standing(2_000), Standing::Spent);
    }

    #[test]
    fn the_next_token_is_of_the_same_session_and_unspent() {
        let spent = token().spend(spending(None));
        let next = spent.next(&RefreshSecret::new("abd".to_owned()), 1_500, 2_500);
        assert_eq!(
            (next.session(), next.account()),
            (token().session(), token().account())
        );
        assert_eq!((next.issued_at(), next.expires_at()), (1_500, 2_500));
        assert_eq!((next.0.number, next.spending()), (2, None));
        assert_ne!(next.0.hash, spent.0.hash);
    }

    #[test]
    fn the_hash_is_sha_256_and_the_secret_stays_hidden() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            token().0.hash.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            format!("{:?}", RefreshSecret::new("abc".to_owned())),
            "RefreshSecret(hidden)"
        );
    }

    #[test]
    fn its_bearer_gets_the_token_itself() {
        assert_eq!(RefreshSecret::new("abc".to_owned()).expose(), "abc");
    }

    #[test]
    fn the_successor_needs_both_the_token_and_the_salt() {
        let token = RefreshSecret::new("abc".to_owned());
        let successor = token.successor("salt").unwrap();
        assert_eq!(successor.expose().len(), 64);
        assert_eq!(token.successor("salt").as_ref(), Some(&successor));
        assert_ne!(token.successor("other").as_ref(), Some(&successor));
        let other = RefreshSecret::new("abd".to_owned());
        assert_ne!(other.successor("salt"), Some(successor));
    }

    #[test]
    fn only_the_same_client_may_have_the_same_again_and_soon() {
        let known = spending(Some("a"));
        let end = 1_500 + REUSE_GRACE_MS;
        assert!(known.allows_again(Some("a"), 1_500) && known.allows_again(Some("a"), end - 1));
        assert!(!known.allows_again(Some("a"), end));
        assert!(!known.allows_again(Some("b"), 1_600) && !known.allows_again(None, 1_600));
        assert!(!spending(None).allows_again(None, 1_600));
    }

    #[test]
    fn a_client_is_its_network_and_what_it_says_it_is() {
        let key = |address, agent| Spending::client_key(Client::parse(address).as_ref(), agent);
        let here = key("192.0.2.1", Some("a"));
        assert!(here.is_some() && here == key("192.0.2.1", Some("a")));
        assert_ne!(here, key("192.0.2.1", Some("b")));
        assert_ne!(here, key("192.0.2.2", Some("a")));
        assert_eq!(key("nonsense", Some("a")), None);
    }
}

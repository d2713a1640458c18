use bcrypt::HashParts;
use mercato_platform::random;

use crate::application::Error;
use crate::application::ports::Passwords;
use crate::domain::{PASSWORD_MAX_BYTES, Password, PasswordHash};

const SALT_BYTES: usize = 16;

/// bcrypt at a cost of the operator's choice.
pub struct BcryptPasswords {
    cost: u32,
    #[cfg(test)]
    rounds: std::cell::Cell<u64>,
}

impl BcryptPasswords {
    /// bcrypt at that cost, 4 to 31.
    pub fn new(cost: u32) -> Self {
        Self {
            cost,
            #[cfg(test)]
            rounds: std::cell::Cell::new(0),
        }
    }

    fn hash_at(&self, cost: u32, password: &[u8]) -> Result<HashParts, Error> {
        let salt: [u8; SALT_BYTES] = random::bytes();
        let parts = bcrypt::hash_with_salt(password, cost, salt).map_err(fault)?;
        self.count(cost);
        Ok(parts)
    }

    /// Makes up for a hash of a lower cost: 2^c + 2^c + 2^(c+1) + … + 2^(C-1) = 2^C.
    fn make_up(&self, done: u32, wanted: u32, password: &[u8]) -> Result<(), Error> {
        for cost in done..wanted {
            std::hint::black_box(self.hash_at(cost, password)?);
        }
        Ok(())
    }

    /// What every verification costs. After the cost was lowered that is still what the older hashes cost.
    fn common_cost(&self, costliest: Option<&PasswordHash>) -> u32 {
        let stored = costliest.and_then(|hash| hash.expose().parse::<HashParts>().ok());
        stored.map_or(self.cost, |parts| parts.get_cost().max(self.cost))
    }

    /// Tests count the rounds: they are what takes time.
    #[cfg(test)]
    fn count(&self, cost: u32) {
        self.rounds.set(self.rounds.get() + (1 << cost));
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "counts in tests only")]
    const fn count(&self, _cost: u32) {}
}

impl Passwords for BcryptPasswords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        let parts = self.hash_at(self.cost, password.expose().as_bytes())?;
        Ok(PasswordHash::new(parts.to_string()))
    }

    fn verify(
        &self,
        candidate: &str,
        hash: &PasswordHash,
        costliest: Option<&PasswordHash>,
    ) -> Result<bool, Error> {
        let stored: HashParts = hash.expose().parse().map_err(fault)?;
        let fits = bcrypt::verify(candidate, hash.expose()).map_err(fault)?;
        self.count(stored.get_cost());
        // No password is that long, and bcrypt would compare its beginning only.
        let fits = fits && candidate.len() <= PASSWORD_MAX_BYTES;
        // Also when it fits: the account may be disabled, which must not show either.
        let wanted = self.common_cost(costliest);
        self.make_up(stored.get_cost(), wanted, candidate.as_bytes())?;
        Ok(fits)
    }

    fn verify_nothing(
        &self,
        candidate: &str,
        costliest: Option<&PasswordHash>,
    ) -> Result<(), Error> {
        let cost = self.common_cost(costliest);
        std::hint::black_box(self.hash_at(cost, candidate.as_bytes())?);
        Ok(())
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.expose()
            .parse::<HashParts>()
            .is_ok_and(|parts| parts.get_cost() < self.cost)
    }
}

fn fault(error: bcrypt::BcryptError) -> Error {
    Error::Internal(format!("bcrypt: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "Correct-H0rse";

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    /// What the call costs, in rounds.
    fn rounds<T>(passwords: &BcryptPasswords, call: impl FnOnce(&BcryptPasswords) -> T) -> u64 {
        let before = passwords.rounds.get();
        call(passwords);
        passwords.rounds.get() - before
    }

    #[test]
    fn a_hash_fits_its_password_and_no_other() {
        let passwords = BcryptPasswords::new(4);
        let hash = passwords.hash(&password(PASSWORD)).unwrap();
        assert!(hash.expose().starts_with("$2b$04$") && hash.expose().len() == 60);
        assert_eq!(passwords.verify(PASSWORD, &hash, None), Ok(true));
        for wrong in ["", "correct-h0rse", "Correct-H0rse ", "Correct-H0rs"] {
            assert_eq!(passwords.verify(wrong, &hash, None), Ok(false), "{wrong}");
        }
        assert_ne!(
            passwords.hash(&password(PASSWORD)).unwrap(),
            hash,
            "every hash has a salt of its own"
        );
    }

    #[test]
    fn hashes_of_other_programs_are_understood() {
        // Made by OpenBSD's implementation; from the test vectors of jBCrypt.
        let hash = PasswordHash::new(
            "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i".to_owned(),
        );
        let passwords = BcryptPasswords::new(4);
        assert_eq!(
            passwords.verify("abcdefghijklmnopqrstuvwxyz", &hash, None),
            Ok(false)
        );
        assert_eq!(passwords.verify("abc", &hash, None), Ok(true));
    }

    #[test]
    fn all_72_bytes_count_and_more_never_fits() {
        let passwords = BcryptPasswords::new(4);
        let longest = format!("Aa1!{}", "x".repeat(68));
        let hash = passwords.hash(&password(&longest)).unwrap();
        assert_eq!(passwords.verify(&longest, &hash, None), Ok(true));
        assert_eq!(passwords.verify(&longest[..71], &hash, None), Ok(false));
        assert_eq!(
            passwords.verify(&format!("{longest}x"), &hash, None),
            Ok(false)
        );
    }

    #[test]
    fn a_refusal_costs_the_same_whatever_the_account_has() {
        let current = BcryptPasswords::new(7);
        let old_hash = BcryptPasswords::new(4).hash(&password(PASSWORD)).unwrap();
        let new_hash = current.hash(&password(PASSWORD)).unwrap();
        assert_eq!(
            rounds(&current, |it| it.verify_nothing(PASSWORD, None)),
            1 << 7
        );
        assert_eq!(
            rounds(&current, |it| it.verify("wrong", &new_hash, None)),
            1 << 7
        );
        assert_eq!(
            rounds(&current, |it| it.verify("wrong", &old_hash, None)),
            1 << 7
        );
        assert_eq!(
            rounds(&current, |it| it.verify(&"x".repeat(100), &old_hash, None)),
            1 << 7
        );
        assert_eq!(
            rounds(&current, |it| it.verify_nothing(&"x".repeat(100), None)),
            1 << 7
        );
    }

    #[test]
    fn the_right_password_of_an_older_hash_costs_the_same_too() {
        let current = BcryptPasswords::new(7);
        let old_hash = BcryptPasswords::new(4).hash(&password(PASSWORD)).unwrap();
        assert_eq!(
            rounds(&current, |it| it.verify(PASSWORD, &old_hash, None)),
            1 << 7
        );
    }

    #[test]
    fn after_the_cost_was_lowered_all_cost_as_the_costliest() {
        let current = BcryptPasswords::new(4);
        let hash_at = |cost| {
            BcryptPasswords::new(cost)
                .hash(&password(PASSWORD))
                .unwrap()
        };
        let (cheap, middle, costliest) = (hash_at(4), hash_at(5), hash_at(7));
        for hash in [&cheap, &middle, &costliest] {
            for candidate in ["wrong", PASSWORD] {
                let verify = |it: &BcryptPasswords| it.verify(candidate, hash, Some(&costliest));
                assert_eq!(rounds(&current, verify), 1 << 7);
            }
        }
        let verify_nothing = |it: &BcryptPasswords| it.verify_nothing("wrong", Some(&costliest));
        assert_eq!(rounds(&current, verify_nothing), 1 << 7);
    }

    #[test]
    fn only_a_cheaper_hash_is_outdated() {
        let hash = BcryptPasswords::new(5).hash(&password(PASSWORD)).unwrap();
        for (cost, outdated) in [(4, false), (5, false), (6, true)] {
            assert_eq!(
                BcryptPasswords::new(cost).is_outdated(&hash),
                outdated,
                "{cost}"
            );
        }
    }

    #[test]
    fn a_damaged_hash_is_a_fault_and_not_a_panic() {
        let passwords = BcryptPasswords::new(4);
        for text in [
            "",
            "plain",
            "$2b$99$......................21jzCB1r6pN6rp5O2Ev0ejjTAboskKm",
            "$2b$04$é",
        ] {
            let result = passwords.verify(PASSWORD, &PasswordHash::new(text.to_owned()), None);
            assert!(matches!(result, Err(Error::Internal(_))), "{text}");
        }
    }
}

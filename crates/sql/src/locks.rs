use uuid::Uuid;

/// The FNV-1a hash of 64 bits (RFC 9923 section 5): the same in every version of the shop, on every machine.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// What a transaction is about: the keys of all that it reads in order to change something, of what is not there yet, too. Two
/// transactions with a key in common run one after the other, in all replicas. SQLite has one writer at a time anyway and takes
/// no notice.
///
/// A key is a kind and a name, such as `order` and an id. They are numbers here: should two have the same one, transactions
/// wait for each other that need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locks(Vec<i64>);

impl Locks {
    /// The key of that name.
    #[must_use]
    pub fn name(kind: &str, name: &str) -> Self {
        Self(vec![number(kind, name.as_bytes())])
    }

    /// The keys of those names.
    #[must_use]
    pub fn names<'a>(kind: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = names.into_iter().map(|name| number(kind, name.as_bytes()));
        Self(keys.collect()).in_order()
    }

    /// The key of that id.
    #[must_use]
    pub fn id(kind: &str, id: impl Into<Uuid>) -> Self {
        Self(vec![number(kind, id.into().as_bytes())])
    }

    /// The keys of those ids.
    #[must_use]
    pub fn ids<I: Into<Uuid>>(kind: &str, ids: impl IntoIterator<Item = I>) -> Self {
        let keys = ids.into_iter().map(|id| number(kind, id.into().as_bytes()));
        Self(keys.collect()).in_order()
    }

    /// These keys and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self.in_order()
    }

    /// The keys, each once, in the order in which every transaction takes them: so no two wait for each other.
    #[must_use]
    pub fn keys(&self) -> &[i64] {
        &self.0
    }

    fn in_order(mut self) -> Self {
        self.0.sort_unstable();
        self.0.dedup();
        self
    }
}

fn number(kind: &str, name: &[u8]) -> i64 {
    let bytes = kind.bytes().chain([0]).chain(name.iter().copied());
    hash(bytes).cast_signed()
}

pub fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
    bytes.into_iter().fold(FNV_OFFSET, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn keys_are_in_order_and_each_is_there_once() {
        let ids = (0..100).chain(0..100).rev().map(id);
        let locks = Locks::ids("order", ids).and(Locks::name("sku", "T-1"));
        let again = Locks::name("sku", "T-1").and(Locks::ids("order", (0..100).map(id)));
        assert_eq!(locks, again);
        assert_eq!(locks.keys().len(), 101);
        assert!(locks.keys().is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_key_is_a_kind_and_a_name() {
        assert_ne!(Locks::id("order", id(1)), Locks::id("product", id(1)));
        assert_ne!(Locks::id("order", id(1)), Locks::id("order", id(2)));
        assert_ne!(Locks::name("a", "bc"), Locks::name("ab", "c"));
        // Replicas of different versions must agree.
        assert_eq!(Locks::name("", "").keys(), [-0x509c_42b3_79fe_4821]);
    }
}

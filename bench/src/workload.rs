//! What is measured.

use clap::ValueEnum;

use crate::machine;

/// Logins at a time for each core. The shop refuses those that would wait for too long (decision 37), which on a busy
/// machine begins with few more.
const LOGINS_PER_CORE: usize = 2;

/// A login takes a quarter of a second, so fewer seconds would say nothing.
const LOGIN_SECONDS: u64 = 4;

/// A kind of work. Each but the import has a script of its name in `bench/wrk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Workload {
    /// The greeting: nothing but the way through the server.
    Greeting,
    /// One product by its id.
    Product,
    /// Ten products.
    List,
    /// A search for one word.
    Search,
    /// A login.
    Login,
    /// An order.
    Order,
    /// An order and its payment.
    Purchase,
    /// Nine reads for each write.
    Mix,
    /// A file of products.
    Import,
}

impl Workload {
    /// All, in the order in which they are measured: the import last, for it makes the catalogue larger.
    pub const ALL: [Self; 9] = [
        Self::Greeting,
        Self::Product,
        Self::List,
        Self::Search,
        Self::Login,
        Self::Order,
        Self::Purchase,
        Self::Mix,
        Self::Import,
    ];

    /// The name of its script.
    pub fn script(self) -> &'static str {
        match self {
            Self::Greeting => "greeting.lua",
            Self::Product => "product.lua",
            Self::List => "list.lua",
            Self::Search => "search.lua",
            Self::Login => "login.lua",
            Self::Order => "order.lua",
            Self::Purchase => "purchase.lua",
            Self::Mix => "mix.lua",
            Self::Import => "",
        }
    }

    /// What it is called in the report.
    pub fn title(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Product => "product by id",
            Self::List => "list of ten",
            Self::Search => "search",
            Self::Login => "login",
            Self::Order => "create order",
            Self::Purchase => "create + pay",
            Self::Mix => "shop mix",
            Self::Import => "import",
        }
    }

    /// What is counted.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Import => "row",
            _ => "request",
        }
    }

    /// How many connections it is measured with where so many are wanted.
    pub fn connections(self, wanted: usize) -> usize {
        match self {
            Self::Login => wanted.min(LOGINS_PER_CORE * machine::cores()),
            _ => wanted,
        }
    }

    /// How long it is measured where so many seconds are wanted.
    pub fn seconds(self, wanted: u64) -> u64 {
        match self {
            Self::Login => wanted.max(LOGIN_SECONDS),
            _ => wanted,
        }
    }

    /// How many requests make one of what is counted.
    pub fn requests_each(self) -> u64 {
        if self == Self::Purchase { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_log_in_at_a_time() {
        assert_eq!(Workload::Login.connections(1), 1);
        assert_eq!(
            Workload::Login.connections(10_000),
            LOGINS_PER_CORE * machine::cores()
        );
        assert_eq!(Workload::Order.connections(10_000), 10_000);
    }

    #[test]
    fn names_of_scripts_are_those_of_files() {
        for workload in Workload::ALL {
            let script = std::path::Path::new("wrk").join(workload.script());
            assert!(script.exists(), "{}", script.display());
        }
    }
}

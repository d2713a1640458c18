//! What is measured in shops of two sizes.

use super::{catalogue, copies::FEW_ORDERS};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// One product by its identifier.
    Product,
    /// The first ten products.
    FirstPage,
    /// The last ten products, by the cursor of the page before.
    LastPage,
    /// A search for a word that three products have.
    RareWord,
    /// A search for a word that a tenth of the products have in their names.
    UsualWord,
    /// A search for a word that all products have in their names.
    WordOfNames,
    /// A search for a word that all products have in their descriptions, and none in its name.
    WordOfDescriptions,
    /// Products that are in stock and cost no more than some price, which a fifth do.
    Filter,
    /// An order is placed.
    Order,
    /// One order by its identifier.
    OrderById,
    /// The first ten orders of a customer who has a few.
    FewOrders,
    /// The first ten orders of a customer who has a tenth of all.
    ManyOrders,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Nobody in particular.
    Anybody,
    /// The customer with a few orders.
    CustomerOfFew,
    /// The customer with many orders.
    CustomerOfMany,
}

impl Operation {
    /// All, in the order in which they are measured: orders last, for they change the shop.
    pub const ALL: [Self; 12] = [
        Self::Product,
        Self::FirstPage,
        Self::LastPage,
        Self::RareWord,
        Self::UsualWord,
        Self::WordOfNames,
        Self::WordOfDescriptions,
        Self::Filter,
        Self::OrderById,
        Self::FewOrders,
        Self::ManyOrders,
        Self::Order,
    ];

    /// What it is called in the report.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Product => "product by id",
            Self::FirstPage => "first page",
            Self::LastPage => "last page",
            Self::RareWord => "rare word",
            Self::UsualWord => "word of a tenth",
            Self::WordOfNames => "word in names",
            Self::WordOfDescriptions => "word in texts",
            Self::Filter => "filter",
            Self::Order => "create order",
            Self::OrderById => "order by id",
            Self::FewOrders => "a few orders",
            Self::ManyOrders => "many orders",
        }
    }

    /// What it does, for the report.
    pub fn meaning(self) -> String {
        match self {
            Self::Product => "any of 10,000 products spread over the catalogue".to_owned(),
            Self::FirstPage => "the newest ten products".to_owned(),
            Self::LastPage => "the oldest ten, by cursor after a walk through all".to_owned(),
            Self::RareWord => "a search for a word that three products have".to_owned(),
            Self::UsualWord => {
                "a search for a word that a tenth of the products have in their names".to_owned()
            }
            Self::WordOfNames => "a search for a word that all have in their names".to_owned(),
            Self::WordOfDescriptions => {
                "a search for a word that all have in their descriptions only".to_owned()
            }
            Self::Filter => "in stock, at most 20.00: a fifth of the products".to_owned(),
            Self::Order => "one unit of one product, any of those 10,000".to_owned(),
            Self::OrderById => format!("one of the orders of the customer who has {FEW_ORDERS}"),
            Self::FewOrders => format!("the newest ten of a customer who has {FEW_ORDERS}"),
            Self::ManyOrders => {
                "the newest ten of a customer who has a tenth of all orders".to_owned()
            }
        }
    }

    /// The name of its script.
    pub const fn script(self) -> &'static str {
        match self {
            Self::Order => "order.lua",
            _ => "paths.lua",
        }
    }

    /// Who asks.
    pub const fn asker(self) -> Asker {
        match self {
            Self::OrderById | Self::FewOrders => Asker::CustomerOfFew,
            Self::ManyOrders => Asker::CustomerOfMany,
            _ => Asker::Anybody,
        }
    }

    /// What is asked for, of the samples of a shop.
    pub fn paths(self, samples: &Samples) -> Vec<String> {
        let list = |query: &str| vec![format!("/api/v1/products?limit=10{query}")];
        let each =
            |ids: &[String], path: &str| ids.iter().map(|id| format!("{path}{id}")).collect();
        match self {
            Self::Product => each(&samples.products, "/api/v1/products/"),
            Self::FirstPage => list(""),
            Self::LastPage => list(&format!("&after={}", samples.last_page)),
            Self::RareWord => each(&samples.rare_words, "/api/v1/products?limit=10&q="),
            Self::UsualWord => list("&q=porcelain"),
            Self::WordOfNames => list(&format!("&q={}", catalogue::WORD_OF_NAMES)),
            Self::WordOfDescriptions => list(&format!("&q={}", catalogue::WORD_OF_DESCRIPTIONS)),
            Self::Filter => list("&inStock=true&maxPrice=20"),
            Self::OrderById => each(&samples.orders, "/api/v1/orders/id/"),
            Self::FewOrders | Self::ManyOrders => vec!["/api/v1/orders?limit=10".to_owned()],
            Self::Order => Vec::new(),
        }
    }
}

/// What there is in a shop to ask for.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Identifiers of products that are for sale.
    pub products: Vec<String>,
    /// Words that a few products have.
    pub rare_words: Vec<String>,
    /// The cursor of the last page of ten.
    pub last_page: String,
    /// Identifiers of the orders of the customer who has a few.
    pub orders: Vec<String>,
}

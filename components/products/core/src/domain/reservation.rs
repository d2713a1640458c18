//! Stock held for an order, and how the reservation ends.

use mercato_kernel::{OrderId, ProductId};
use mercato_money::Money;

use crate::domain::error::StoreError;
use crate::domain::stock::Quantity;
use crate::domain::values::{Name, Price};
use crate::domain::variant::Choice;

/// Most lines in one request.
pub const LINES_MAX: usize = 100;
/// Most units in one line of a request; lines of the same product are added up.
pub const LINE_UNITS_MAX: u32 = 10_000;

/// A line of a request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedLine {
    /// What should be the identifier of a product.
    pub product_id: String,
    /// 1 to [`LINE_UNITS_MAX`].
    pub quantity: u32,
    /// The price of one unit that the customer was shown, if it must be that one.
    pub expected_price: Option<Money>,
}

/// What an order wants of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The product; none when what came is no identifier.
    pub product: Option<ProductId>,
    /// Its identifier in canonical form; what is no identifier stays as it came.
    pub product_id: String,
    /// Units of all lines of that product.
    pub quantity: Quantity,
    /// What one unit must cost, if one of the lines says so.
    pub expected_price: Option<Money>,
}

/// One demand per product, in the order of the first mention. The error says which rule the caller broke.
pub fn merge(lines: &[RequestedLine]) -> Result<Vec<Demand>, String> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err(format!(
            "{} lines, but 1 to {LINES_MAX} can be reserved",
            lines.len()
        ));
    }
    let mut demands: Vec<Demand> = Vec::with_capacity(lines.len());
    for line in lines {
        let quantity =
            Quantity::new(line.quantity).filter(|quantity| quantity.units() <= LINE_UNITS_MAX);
        let Some(quantity) = quantity else {
            return Err(format!(
                "a quantity of {}, but 1 to {LINE_UNITS_MAX} can be reserved",
                line.quantity
            ));
        };
        let product = ProductId::parse(&line.product_id).ok();
        let product_id = product.map_or_else(|| line.product_id.clone(), |id| id.to_string());
        match demands
            .iter_mut()
            .find(|demand| demand.product_id == product_id)
        {
            Some(demand) => {
                let sum = demand.quantity.plus(quantity);
                demand.quantity = sum.ok_or_else(|| "more units than can be counted".to_owned())?;
                let expected = demand.expected_price.or(line.expected_price);
                if line
                    .expected_price
                    .is_some_and(|price| Some(price) != expected)
                {
                    return Err("two prices are expected of one product".to_owned());
                }
                demand.expected_price = expected;
            }
            None => demands.push(Demand {
                product,
                product_id,
                quantity,
                expected_price: line.expected_price,
            }),
        }
    }
    Ok(demands)
}

/// Why one line could not be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    /// No such product, or deleted.
    UnknownProduct,
    /// Fewer free units than requested.
    InsufficientStock,
    /// One unit does not cost what was expected.
    PriceChanged,
}

/// A line that could not be reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The product that was asked for.
    pub product_id: String,
    /// Why.
    pub reason: RejectionReason,
    /// Units asked for.
    pub requested: u32,
    /// Units free at that moment.
    pub available: u64,
}

/// Why the inventory refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Nothing was reserved; every line that failed is named.
    #[error("{} lines cannot be reserved", .0.len())]
    Rejected(Vec<Rejection>),
    /// The reservation of this order is in a state that does not allow it.
    #[error("the reservation is {}", .0.as_str())]
    Conflict(ReservationState),
    /// Nothing was ever reserved for this order.
    #[error("no reservation for this order")]
    NotFound,
    /// The caller broke the contract: its fault, not a customer's.
    #[error("the caller broke the contract of the inventory: {0}")]
    Contract(String),
    /// What keeps the stock failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the stock of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// Taken off the free stock, waiting for the payment.
    Held,
    /// Sold.
    Committed,
    /// Given back before it was sold, or never to be taken.
    Released,
    /// Sold, then given back.
    Restocked,
}

impl ReservationState {
    /// The name it is stored under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Restocked => "restocked",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Held, Self::Committed, Self::Released, Self::Restocked]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A step that ends or undoes a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The order is paid.
    Commit,
    /// The order is cancelled.
    Release,
    /// The paid order is refunded.
    Restock,
}

/// What a settlement does to a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It was done before.
    Nothing,
    /// The stock of every line moves, and the reservation has the new state.
    To(ReservationState),
}

impl Settlement {
    /// What this step does to a reservation in that state.
    ///
    /// # Errors
    /// [`InventoryError::Conflict`] with the state, where the step is not allowed.
    pub fn transition(self, state: ReservationState) -> Result<Transition, InventoryError> {
        if state == self.target() {
            Ok(Transition::Nothing)
        } else if state == self.source() {
            Ok(Transition::To(self.target()))
        } else {
            Err(InventoryError::Conflict(state))
        }
    }

    /// What this step does to an order that has no reservation: a release makes one without lines.
    ///
    /// # Errors
    /// [`InventoryError::NotFound`] for the other steps.
    pub fn transition_of_none(self) -> Result<Transition, InventoryError> {
        match self {
            Self::Release => Ok(Transition::To(self.target())),
            Self::Commit | Self::Restock => Err(InventoryError::NotFound),
        }
    }

    /// The state in which it finds a reservation.
    pub fn source(self) -> ReservationState {
        match self {
            Self::Commit | Self::Release => ReservationState::Held,
            Self::Restock => ReservationState::Committed,
        }
    }

    /// The state in which it leaves a reservation.
    pub fn target(self) -> ReservationState {
        match self {
            Self::Commit => ReservationState::Committed,
            Self::Release => ReservationState::Released,
            Self::Restock => ReservationState::Restocked,
        }
    }
}

/// A line whose stock is taken, with the name and price of the moment it was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedLine {
    /// The product.
    pub product_id: ProductId,
    /// Its name then.
    pub name: Name,
    /// Its price then.
    pub unit_price: Price,
    /// What was chosen of its options then.
    pub choices: Vec<Choice>,
    /// Units.
    pub quantity: Quantity,
    /// What they are taken from, and how many units of that, where it is not the product's own stock.
    pub drawn: Option<DrawnUnits>,
}

/// Units of another stock that a line takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnUnits {
    /// The product or variant that has the stock.
    pub item: ProductId,
    /// How many.
    pub units: u64,
}

impl ReservedLine {
    /// Whose units it takes, and how many.
    #[must_use]
    pub fn item_units(&self) -> (ProductId, u64) {
        let own = (self.product_id, u64::from(self.quantity.units()));
        self.drawn.map_or(own, |drawn| (drawn.item, drawn.units))
    }
}

/// The stock of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    order_id: OrderId,
    state: ReservationState,
    /// One line per product; none when the order was released before anything was reserved.
    lines: Vec<ReservedLine>,
    made_at: u64,
}

impl Reservation {
    /// Stock held for an order, at a time in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn hold(order_id: OrderId, lines: Vec<ReservedLine>, now: u64) -> Self {
        Self::restore(order_id, ReservationState::Held, lines, now)
    }

    /// The reservation as it was stored.
    #[must_use]
    pub const fn restore(
        order_id: OrderId,
        state: ReservationState,
        lines: Vec<ReservedLine>,
        made_at: u64,
    ) -> Self {
        Self {
            order_id,
            state,
            lines,
            made_at,
        }
    }

    /// The order.
    #[must_use]
    pub const fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// Where the stock is.
    #[must_use]
    pub const fn state(&self) -> ReservationState {
        self.state
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[ReservedLine] {
        &self.lines
    }

    /// Its lines.
    #[must_use]
    pub fn into_lines(self) -> Vec<ReservedLine> {
        self.lines
    }

    /// When it was made, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn made_at(&self) -> u64 {
        self.made_at
    }

    /// The answer to the request that it was made for, when that is made again.
    ///
    /// # Errors
    /// [`InventoryError::Conflict`] when the stock was given back, or the request is for other lines.
    pub fn answer_again(self, demands: &[Demand]) -> Result<Vec<ReservedLine>, InventoryError> {
        let stands = matches!(
            self.state,
            ReservationState::Held | ReservationState::Committed
        );
        if stands && self.is_for(demands) {
            Ok(self.lines)
        } else {
            Err(InventoryError::Conflict(self.state))
        }
    }

    /// Whether it was made for just these demands, in whatever order.
    fn is_for(&self, demands: &[Demand]) -> bool {
        let wants = |line: &ReservedLine| {
            demands.iter().any(|demand| {
                demand.product == Some(line.product_id) && demand.quantity == line.quantity
            })
        };
        self.lines.len() == demands.len() && self.lines.iter().all(wants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEA: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn line(product_id: &str, quantity: u32) -> RequestedLine {
        RequestedLine {
            product_id: product_id.to_owned(),
            quantity,
            expected_price: None,
        }
    }

    #[test]
    fn the_same_product_twice_is_one_demand_whatever_its_spelling() {
        let merged = merge(&[line(TEA, 2), line("x", 1), line(&TEA.to_uppercase(), 3)]).unwrap();
        let seen: Vec<_> = merged
            .iter()
            .map(|demand| (demand.product_id.as_str(), demand.quantity.units()))
            .collect();
        assert_eq!(seen, [(TEA, 5), ("x", 1)]);
    }

    #[test]
    fn the_most_that_can_be_asked_for_does_not_overflow() {
        let merged = merge(&vec![line(TEA, LINE_UNITS_MAX); LINES_MAX]).unwrap();
        assert_eq!(merged[0].quantity.units(), 1_000_000);
    }

    #[test]
    fn a_caller_that_breaks_the_contract_is_told_how() {
        for lines in [
            vec![],
            vec![line(TEA, 1); LINES_MAX + 1],
            vec![line(TEA, 0)],
            vec![line(TEA, LINE_UNITS_MAX + 1)],
            vec![line(TEA, 1), line(TEA, u32::MAX)],
        ] {
            assert!(merge(&lines).unwrap_err().contains("can be reserved"));
        }
    }

    #[test]
    fn a_settlement_is_done_once_and_only_where_it_belongs() {
        use ReservationState::{Committed, Held, Released, Restocked};
        let all = [Held, Committed, Released, Restocked];
        let outcomes = |step: Settlement| all.map(|state| step.transition(state));
        let nothing = || Ok(Transition::Nothing);
        let to = |state| Ok(Transition::To(state));
        let conflict = |state| Err(InventoryError::Conflict(state));
        assert_eq!(
            outcomes(Settlement::Commit),
            [
                to(Committed),
                nothing(),
                conflict(Released),
                conflict(Restocked)
            ]
        );
        assert_eq!(
            outcomes(Settlement::Release),
            [
                to(Released),
                conflict(Committed),
                nothing(),
                conflict(Restocked)
            ]
        );
        assert_eq!(
            outcomes(Settlement::Restock),
            [conflict(Held), to(Restocked), conflict(Released), nothing()]
        );
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        use ReservationState::{Committed, Held, Released, Restocked};
        for state in [Held, Committed, Released, Restocked] {
            assert_eq!(ReservationState::parse(state.as_str()), Some(state));
        }
        assert_eq!(ReservationState::parse("HELD"), None);
    }
}

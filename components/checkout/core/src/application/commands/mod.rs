//! What changes something: one file per command.

/// Change a checkout.
pub mod change_checkout;
/// Change a discount code.
pub mod change_code;
/// Make a discount code.
pub mod create_code;
/// Hold a use of codes for an order.
pub mod hold_codes;
/// Open a checkout.
pub mod open_checkout;
/// Make sure that a quote can be ordered.
pub mod prepare_order;
/// Remove a checkout.
pub mod remove_checkout;
/// Remove a discount code.
pub mod remove_code;
/// Replace what shipping costs.
pub mod save_shipping_settings;
/// Replace how things are taxed.
pub mod save_tax_settings;
/// Commit or release the uses of an order.
pub mod settle_codes;
/// Show a checkout with its quote of now.
pub mod show_checkout;
/// Remove what is old.
pub mod sweep;

//! How a payment stands, in words and signs for people.

use payments::domain::PaymentStatus;

/// How a payment stands, in words and a sign for people.
pub struct Standing {
    pub title: &'static str,
    pub what_happened: &'static str,
    pub what_next: &'static str,
    pub icon: Icon,
}

/// A sign in a circle; what it says also stands beside it in words.
#[derive(Clone, Copy)]
pub struct Icon {
    pub class: &'static str,
    /// An SVG path in a square of 24 units.
    pub path: &'static str,
}

const CHECK: Icon = Icon {
    class: "good",
    path: "M7 12.5l3.5 3.5L17 9",
};
pub const CROSS: Icon = Icon {
    class: "bad",
    path: "M8 8l8 8M16 8l-8 8",
};
const DASH: Icon = Icon {
    class: "calm",
    path: "M7.5 12h9",
};
const BACK: Icon = Icon {
    class: "calm",
    path: "M11 7.5L6.5 12l4.5 4.5M7 12h10.5",
};
const CLOCK: Icon = Icon {
    class: "calm",
    path: "M12 7v5l3.5 2",
};

/// How a payment stands; a pending one has no session left to pay in.
pub const fn standing(status: PaymentStatus, is_processing: bool) -> Standing {
    let (title, icon, what_happened, what_next) = match status {
        PaymentStatus::Succeeded => (
            "Paid",
            CHECK,
            "Thank you: your payment has arrived.",
            "The shop has been told and prepares your order.",
        ),
        PaymentStatus::Failed => (
            "Payment failed",
            CROSS,
            "Your payment has failed. Nothing was paid.",
            "The order is cancelled. To try again, order again in the shop.",
        ),
        PaymentStatus::Cancelled => (
            "Cancelled",
            DASH,
            "The payment has ended: it was cancelled, or its time ran out. Nothing was paid.",
            "The order is cancelled. To have it after all, order again in the shop.",
        ),
        PaymentStatus::Refunded => (
            "Refunded",
            BACK,
            "Your payment was refunded in full.",
            "The money goes back the way it came. There is nothing for you to do.",
        ),
        PaymentStatus::Pending if is_processing => (
            "Payment under way",
            CLOCK,
            "You have paid, and the money is on its way.",
            "Please wait: that can take some days. The shop prepares your order when the money has arrived, and there is nothing for \
             you to do until then.",
        ),
        PaymentStatus::Pending => (
            "Time is up",
            CLOCK,
            "The time to pay here is over. Nothing was paid.",
            "Order again in the shop. If your order still waits for its payment there, you can go on paying it instead.",
        ),
    };
    Standing {
        title,
        what_happened,
        what_next,
        icon,
    }
}

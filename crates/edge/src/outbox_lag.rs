//! How far the outbox of payments is behind: payments tells it, and the front door with the shop's readiness.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far telling orders of payments is behind. It delays orders, and is no reason to take no more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxLag {
    /// Events that wait to be acknowledged.
    #[schema(minimum = 0, example = 0)]
    pub pending: u64,
    /// Events given up until an admin retries them.
    #[schema(minimum = 0, example = 0)]
    pub parked: u64,
    /// Age of the oldest pending event in milliseconds; 0 without one.
    #[schema(minimum = 0, example = 0)]
    pub oldest_ms: u64,
}

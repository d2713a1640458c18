//! The host's monotonic clock.

use std::time::{Duration, Instant};

use mercato_platform::random;

use crate::client::Pace;

/// The host's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct HostPace {
    started: Instant,
}

impl Default for HostPace {
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Pace for HostPace {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, pause: Duration) {
        mercato_contracts::time::sleep(pause).await;
    }

    fn up_to_ms(&self, longest_ms: u64) -> u64 {
        // The remainder favours small numbers by far less than anybody could measure.
        u64::from_le_bytes(random::bytes()) % longest_ms.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_pauses_stay_within_their_limit() {
        let pace = HostPace::default();
        assert_eq!(pace.up_to_ms(0), 0);
        let drawn: Vec<u64> = (0..200).map(|_| pace.up_to_ms(9)).collect();
        assert!(drawn.iter().all(|ms| *ms <= 9));
        assert!(drawn.contains(&0) && drawn.contains(&9));
    }
}

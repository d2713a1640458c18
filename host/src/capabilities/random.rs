//! Randomness that a test can repeat.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _, TryRng};

use crate::sync::lock;

/// What all guests of a shop draw from when a test has given it a seed. Never for a shop that anyone uses.
#[derive(Clone)]
pub(crate) struct SeededRandom(Arc<Mutex<StdRng>>);

impl SeededRandom {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// For the seeds of guests' hash maps.
    pub(crate) fn draw_u128(&self) -> u128 {
        let mut bytes = [0; size_of::<u128>()];
        self.with(|random| random.fill_bytes(&mut bytes));
        u128::from_le_bytes(bytes)
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut lock(&self.0))
    }
}

impl TryRng for SeededRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.with(|random| random.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.with(|random| random.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.with(|random| random.fill_bytes(bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| SeededRandom::new(seed).draw_u128();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}

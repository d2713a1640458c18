//! Whether a password is that of an account, however its letters were written.

use super::Error;
use super::ports::Ports;
use crate::domain::{Candidate, PasswordHash};

/// How a password fits a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is another one.
    No,
    /// It is the one.
    Yes,
    /// It is the one as it was sent, not normalized: the hash is from before passwords were.
    AsSent,
}

impl Ports {
    /// How the password fits the hash. What that costs depends on the candidate alone: one that is not normalized is tried in
    /// both forms whatever comes out.
    ///
    /// # Errors
    /// As [`Passwords::verify`](crate::application::ports::Passwords::verify).
    pub(super) fn fit(
        &self,
        candidate: Candidate<'_>,
        hash: &PasswordHash,
        costliest: Option<&PasswordHash>,
    ) -> Result<Fit, Error> {
        let verify = |text: &str| self.passwords.verify(text, hash, costliest);
        let fits = verify(&candidate.normalized())?;
        let fits_as_sent = candidate.as_sent().map(verify).transpose()?;
        Ok(match (fits, fits_as_sent) {
            (true, _) => Fit::Yes,
            (false, Some(true)) => Fit::AsSent,
            (false, _) => Fit::No,
        })
    }

    /// Takes the same time as [`Ports::fit`] without a hash to compare with.
    ///
    /// # Errors
    /// As [`Passwords::verify_nothing`](crate::application::ports::Passwords::verify_nothing).
    pub(super) fn fit_nothing(
        &self,
        candidate: Candidate<'_>,
        costliest: Option<&PasswordHash>,
    ) -> Result<(), Error> {
        let verify = |text: &str| self.passwords.verify_nothing(text, costliest);
        verify(&candidate.normalized())?;
        candidate.as_sent().map_or(Ok(()), verify)
    }
}

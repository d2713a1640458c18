//! Helpers of the tests that look at Mercato from outside.

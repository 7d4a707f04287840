//! Exit codes: what the Job's `podFailurePolicy` and scripts go by.

use sc_core::report::Verdict;

/// Everything was applied, or there was nothing to do for an orphan.
pub const APPLIED: u8 = 0;
/// The cluster or the network failed; a retry may help.
pub const FAILED: u8 = 1;
/// The values are wrong; a retry cannot help.
pub const INVALID: u8 = 2;
/// Some objects were refused; the rest was applied.
pub const REFUSED: u8 = 3;

/// The exit code of a verdict.
#[must_use]
pub fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Applied => APPLIED,
        Verdict::Failed => FAILED,
        Verdict::Invalid => INVALID,
        Verdict::Refused => REFUSED,
    }
}

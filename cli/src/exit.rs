//! Exit codes: those of the job, so that a script needs to know one table.

use sc_core::report::Verdict;

/// Everything that was asked for was printed.
const APPLIED: u8 = 0;
/// Something could not be read or written, or a referenced Secret is not at hand; another try may help.
pub(crate) const FAILED: u8 = 1;
/// The values or the arguments are wrong.
pub(crate) const INVALID: u8 = 2;
/// Some objects were refused.
pub(crate) const REFUSED: u8 = 3;

/// The exit code of a verdict.
pub(crate) fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Applied => APPLIED,
        Verdict::Failed => FAILED,
        Verdict::Invalid => INVALID,
        Verdict::Refused => REFUSED,
    }
}

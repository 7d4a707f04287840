//! Any value in the credentials of any cell: what its clients read is what went in. The first two bytes choose the cell, the third the compatibility.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sc_tests::reading::{KINDS, check};

fuzz_target!(|input: (u8, u8, bool, &str)| {
    let (kind, index, is_exact, value) = input;
    if value.is_empty() {
        return;
    }
    let cells = &KINDS[usize::from(kind) % KINDS.len()];
    let cell = &cells[usize::from(index) % cells.len()];
    let compatibility = if is_exact { "exact" } else { "corrected" };
    assert_eq!(check(cell, compatibility, value), Ok(()));
});

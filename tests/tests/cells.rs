//! Every cell of the catalogue, with any value in any of its credentials: what its clients read is what went in, and nothing else has changed.

use proptest::prelude::*;
use sc_tests::ordinary::Cell;
use sc_tests::reading::{CELLS, KINDS, check, filled};

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_went_in(
        (kind, index) in any::<(prop::sample::Index, prop::sample::Index)>(),
        value in hostile(),
        compatibility in prop::sample::select(vec!["corrected", "exact"]),
    ) {
        let cells: &Vec<Cell> = kind.get(KINDS.as_slice());
        prop_assert_eq!(check(index.get(cells.as_slice()), compatibility, &value), Ok(()));
    }
}

/// Text of all kinds, often short and made of what some grammar gives a meaning to.
fn hostile() -> impl Strategy<Value = String> {
    let fragments = [
        "${", "}", "{", "'", "\"", "\\", ";", ",", ":", "@", "/", "?", "#", "%", "%41", "+", "&", "=", " ", "a", "B0", "|", "`", "\n", "ä", "✓", "🔑",
    ];
    let meaning = prop::collection::vec(prop::sample::select(fragments.to_vec()), 1..9).prop_map(|parts| parts.concat());
    prop_oneof![7 => meaning, 1 => any::<String>().prop_filter("not empty", |text| !text.is_empty()), 1 => "[a-z%' ]{512}"]
}

#[test]
fn each_cell_can_be_refused_for_nothing_but_its_grammar() {
    for cell in CELLS.iter() {
        filled(cell, "corrected", None).unwrap();
        let _ = filled(cell, "corrected", Some("a;b,c:d e"));
        assert!(filled(cell, "corrected", Some("a@b/c%d=")).is_some(), "{cell:?}");
    }
}

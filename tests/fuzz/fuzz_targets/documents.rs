//! Documents of any kind: they are read or refused, and what is planned can be had.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sc_tests::planning::Planned;

fuzz_target!(|bytes: &[u8]| {
    let planned = Planned::of(bytes);
    let manifests = planned.manifests();
    assert_eq!(manifests.len(), planned.objects().len());
    planned.report();
});

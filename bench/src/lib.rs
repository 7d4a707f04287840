//! Measures what the project promises of speed, size and requests, on a real API server.
//!
//! Rule: whatever is promised as a ratio is measured in pairs, ours and the baseline right beside each other, since the machine drifts. Numbers
//! of one run are never compared with those of another.

pub mod api;
pub mod audit;
pub mod bodies;
pub mod connection;
pub mod documents;
pub mod figure;
pub mod kubeconfig;
pub mod machine;
pub mod memory;
pub mod output;
pub mod page;
pub mod part;
pub mod plots;
pub mod program;
pub mod raw;
pub mod raw_runs;
pub mod room;
pub mod statistics;
pub mod tools;

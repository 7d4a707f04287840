//! The in-cluster edge: reads the values, applies the plan, publishes the report, arranges its own deletion.
//!
//! Rule: core decides, this crate does. Only `args` reads arguments and environment, only `cluster` speaks to the API server, only `output`
//! prints.

pub mod apply;
pub mod args;
pub mod books;
mod check;
pub mod cluster;
pub mod document;
pub mod exit;
mod for_each;
pub mod memory;
pub mod output;
pub mod probe;
pub mod remove;
pub mod run;
pub mod stop;
mod survey;
pub mod token;
pub mod work;

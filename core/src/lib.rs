//! Decisions only: values → connections → plan → report, and the catalogue.
//!
//! Rule: no kube client, no async, no clock, no environment, no files, no log. What is here can be run and tested with nothing at hand.

pub mod arm;
pub mod azure;
pub mod catalogue;
pub mod cloud;
pub mod connection;
pub mod connections;
pub mod credential;
pub mod document;
pub mod endpoint;
mod fields;
pub mod ledger;
pub mod names;
pub mod object;
pub mod plan;
pub mod problem;
mod rendering;
pub mod report;
mod target;
pub mod values;

//! Decisions only: values → connections → plan → report, and the catalogue.
//!
//! Rule: no kube client, no async, no clock, no environment, no files, no log. What is here can be run and tested with nothing at hand.

pub mod arm;
pub mod catalogue;
pub mod cloud;
pub mod connection;
pub mod credential;
pub mod document;
mod fields;
pub mod names;
pub mod object;
pub mod plan;
pub mod problem;
mod rendering;
pub mod report;
mod target;
pub mod values;

use connection::Connection;
use problem::{Problem, Problems};
use values::Values;

/// From the bytes of a document to its valid connections; what is wrong with the others is in `problems`.
///
/// # Errors
/// If the document cannot be read at all, so that nothing of it may be used.
pub fn connections(document: &[u8], problems: &mut Problems) -> Result<Vec<Connection>, Problem> {
    let Values { connections, settings } = Values::parse(document, problems)?;
    Ok(connections.into_iter().filter_map(|entry| Connection::parse(entry, &settings, problems)).collect())
}

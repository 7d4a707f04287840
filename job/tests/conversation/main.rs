//! Conversations of the job with an API server: each request of a run, and what becomes of every answer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails, also outside of its own function")]

mod cleanup;
mod dry_run;
mod failing;
mod lease;
mod ordinary;
mod own_job;
mod ownership;
mod refusals;
mod removal;
mod requests;
mod server;
mod sets;
mod stopping;
mod unapplied;
mod world;

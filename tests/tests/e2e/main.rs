//! The chart and the job on a real Kubernetes, with the real Helm 3 and 4.
//!
//! `scripts/cluster run cargo test -p sc-tests --features e2e --test e2e` runs them where `scripts/cluster up` and `scripts/cluster load` have
//! been, and the same `cargo test` on any other cluster that KUBECONFIG points at and that can pull or has the chart's image.
//!
//! A fixed sample of the slow cases; `-- --include-ignored` runs all of them, and also kills parts of a cluster of `scripts/cluster`.
//!
//! Rule: each test has a release and namespaces of its own, deleted at its end. Those of a test that was killed: `kubectl delete
//! namespaces,flowschemas,prioritylevelconfigurations -l sc-extension.dev/e2e`.

mod audit;
mod bed;
mod caller;
mod changes;
mod connections;
mod documents;
mod evidence;
mod failures;
mod forbidden;
mod grants;
mod held;
mod helm_matrix;
mod identities;
mod idle;
mod installs;
mod kube;
mod neighbours;
mod obstacles;
mod outages;
mod outside;
mod policy;
mod proof;
mod races;
mod removal;
mod reruns;
mod rights;
mod sets;
mod size;
mod terminal;
mod traces;
mod upgrades;
mod vault;
mod webhook;
mod workloads;

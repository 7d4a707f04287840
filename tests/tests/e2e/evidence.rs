//! What a failed run must leave to look at: its Job, log, Events and last words.

use crate::bed::Bed;
use crate::traces;

/// How a run should have failed.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    /// The exit codes of its pods.
    pub(crate) codes: &'a [i64],
    /// The reason of the Job's failure.
    pub(crate) job: &'a str,
    /// What status, Event, log and the container's last words all say.
    pub(crate) says: &'a str,
}

impl Failed<'_> {
    /// Panics unless the Job `sc-job` is there, has failed so, and says so.
    pub(crate) fn assert_left(&self, bed: &Bed) {
        assert_eq!(traces::failure_of_job(bed, "sc-job").as_deref(), Some(self.job));
        assert_eq!(traces::exit_codes(bed, "sc-job"), self.codes);
        let events = traces::events(bed, "ConnectionsFailed");
        assert_eq!(events.len(), self.codes.len(), "one Event for each try: {events:?}");
        for said in [events[0].as_str(), &last_words(bed), &traces::logs(bed)] {
            assert!(said.contains(self.says), "`{}` is not said in: {said}", self.says);
        }
    }
}

fn last_words(bed: &Bed) -> String {
    let pods = traces::pods(bed, "sc-job");
    let terminated = &pods[0]["status"]["containerStatuses"][0]["state"]["terminated"];
    terminated["message"].as_str().unwrap_or_default().to_owned()
}

//! One case: a run that meets a fault, the reruns that it takes, and what must hold at each end.

use std::fmt;

use crate::fault::Fault;
use crate::room::{Ran, Room};
use crate::scenarios::PASSWORD;
use crate::script::{Key, Target};

/// The exit code that says: a retry may help.
const FAILED: i32 = 1;

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The request that meets the fault.
    pub(crate) key: Key,
    /// The fault.
    pub(crate) fault: Fault,
    /// Which request of the rerun meets another one, if it gets so far.
    pub(crate) second: Option<(usize, Fault)>,
    /// Whether the rerun is another pod, which has to wait for the Lease of the one that was killed.
    pub(crate) is_other_pod: bool,
}

/// What became of a case.
pub(crate) struct Outcome {
    /// What should not be; nothing if all is well.
    pub(crate) problems: Vec<String>,
    /// How many runs it took.
    pub(crate) runs: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.fault, self.key)?;
        if let Some((number, fault)) = &self.second {
            write!(f, ", then {fault:?} at request {number}")?;
        }
        f.write_str(if self.is_other_pod { ", rerun as another pod" } else { "" })
    }
}

/// One run of a case: who, and what goes wrong.
struct Attempt {
    pod: &'static str,
    fault: Option<(Target, Fault)>,
}

impl Case {
    /// Whether it has to wait for half a minute, and so may run beside many others.
    pub(crate) fn waits(&self) -> bool {
        self.fault.is_silent() || self.is_other_pod
    }

    /// Whether the run that meets it may end with the advice to run again: after an answer that contradicts what is there, and where it was
    /// not sure to have the Lease for as long as the Lease is good.
    pub(crate) fn may_take_another_run(&self) -> bool {
        self.fault.kills() || self.fault.is_untrue() || self.fault == Fault::SilentBefore && self.key.is_about_lease()
    }

    /// Runs it.
    pub(crate) async fn run(&self, room: &mut Room) -> Outcome {
        room.reset().await;
        let (mut problems, mut runs) = (Vec::new(), 0);
        for attempt in self.attempts() {
            runs += 1;
            let ran = room.run(attempt.pod, attempt.fault.clone()).await;
            let verdict = verdict(room, &attempt, &ran);
            problems.extend(of_any_run(room, &attempt, &ran).await);
            match verdict {
                Ok(true) => {
                    problems.extend(self.of_the_end(room).await);
                    break;
                }
                Ok(false) => {}
                Err(problem) => problems.push(problem),
            }
        }
        Outcome { problems, runs }
    }

    /// The run that meets the fault, that which may meet a second one, and one more without any.
    fn attempts(&self) -> Vec<Attempt> {
        let first = Attempt { pod: "first-pod", fault: Some((Target::Key(self.key.clone()), self.fault)) };
        // A container that is restarted has the same pod; the retry of a Job that failed has another.
        let pod = if self.fault.kills() && !self.is_other_pod { "first-pod" } else { "second-pod" };
        let second = self.second.map(|(number, fault)| Attempt { pod, fault: Some((Target::Number(number), fault)) });
        [Some(first), second, Some(Attempt { pod, fault: None })].into_iter().flatten().collect()
    }

    /// What must hold when a run has ended as it would without a fault.
    async fn of_the_end(&self, room: &Room) -> Vec<String> {
        let mut problems = room.live.differences(&room.goal);
        let reason = if room.scenario.exit == 0 { "ConnectionsApplied" } else { "ConnectionsFailed" };
        if !self.key.path.ends_with("/events") && !room.has_event(reason).await {
            problems.push(format!("there is no Event {reason}"));
        }
        problems
    }
}

/// What must hold after each run, however it ended.
async fn of_any_run(room: &mut Room, attempt: &Attempt, ran: &Ran) -> Vec<String> {
    let mut problems = Vec::new();
    if matches!(attempt.fault, Some((Target::Key(_), _))) && !ran.script.is_met {
        problems.push("the request never came".to_owned());
    }
    if ran.ended.output.contains(PASSWORD) {
        problems.push("the password was printed".to_owned());
    }
    room.look().await;
    let missing = room.live.of_connections(&room.names).differences(&room.goal.of_connections(&room.names));
    if room.live.claims_success(&room.names) && !missing.is_empty() {
        problems.push(format!("false success: {}", missing.join("; ")));
    }
    let touched = room.untouched.iter().filter(|path| room.live.0.get(*path) != room.start.0.get(*path));
    problems.extend(touched.map(|path| format!("{path} was touched")));
    problems
}

/// Whether the work should be done now; an error if a run may not end so.
fn verdict(room: &Room, attempt: &Attempt, ran: &Ran) -> Result<bool, String> {
    match (ran.ended.code, &attempt.fault) {
        (Some(code), _) if code == room.scenario.exit => Ok(true),
        (Some(FAILED), Some(_)) => Ok(false),
        (None, Some((_, fault))) if fault.kills() => Ok(false),
        (code, _) => Err(format!("exit code {code:?} instead of {}: {}", room.scenario.exit, ran.ended.output)),
    }
}

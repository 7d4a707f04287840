//! How many requests are under way at once: as many as the API server answers without keeping them waiting.
//!
//! Rule: the number grows while answers come about as fast as the fastest did, and shrinks when they take several times as long, so that whoever
//! else asks the API server is not kept waiting either. An answer that asks to come back later halves it, and beyond
//! three quarters of what was first refused it grows by one now and then: a full queue refuses neighbours, too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many at first.
const FIRST: usize = 32;
/// The fewest and the most, which leaves room in a queue of the API server: 50 requests wait in one (`queueLengthLimit` without a setting), and a
/// neighbour who finds it full is sent away for a second.
const BOUNDS: (usize, usize) = (2, 48);
/// Waiting is counted from here on, however fast the fastest answer was.
const SHORT: Duration = Duration::from_millis(25);
/// An answer that takes so many times as long as the fastest leaves room for more; one that takes twice that waited too long.
const PATIENCE: u32 = 4;
/// So many rounds go well at the ceiling before it is lifted by one.
const CALM: u32 = 10;

/// The number of requests under way, and what it goes by.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    at_once: usize,
    /// The ceiling, and how many rounds went well there.
    most: usize,
    calm: u32,
    fastest: Duration,
    /// Since the number was last looked at: how many answers came, how long they took together, and whether one asked to come back later.
    answers: u32,
    took: Duration,
    is_refused: bool,
    /// Whether one of the round before did.
    was_refused: bool,
}

impl Default for Pace {
    fn default() -> Self {
        let state = State {
            at_once: FIRST,
            most: BOUNDS.1,
            calm: 0,
            fastest: Duration::MAX,
            answers: 0,
            took: Duration::ZERO,
            is_refused: false,
            was_refused: false,
        };
        Self(Mutex::new(state))
    }
}

impl Pace {
    /// So many requests may be under way.
    pub(super) fn at_once(&self) -> usize {
        self.state(|state| state.at_once)
    }

    /// Notes an answer: how long it took, and whether it asked to come back later.
    pub(super) fn note(&self, took: Duration, is_refused: bool) {
        self.state(|state| state.note(took, is_refused));
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn note(&mut self, took: Duration, is_refused: bool) {
        self.answers += 1;
        self.took += took;
        self.is_refused |= is_refused;
        if !is_refused {
            self.fastest = self.fastest.min(took);
        }
        if self.answers as usize >= self.at_once {
            self.set_ceiling();
            self.at_once = self.next().clamp(BOUNDS.0, self.most);
            (self.answers, self.took, self.was_refused, self.is_refused) = (0, Duration::ZERO, self.is_refused, false);
        }
    }

    /// Of several refusals in a row the first says how much was too much; an outage is refused however few there are.
    fn set_ceiling(&mut self) {
        if self.is_refused {
            self.calm = 0;
            if !self.was_refused {
                self.most = (self.at_once * 3 / 4).max(BOUNDS.0);
            }
        } else if self.at_once == self.most {
            self.calm += 1;
            if self.calm >= CALM {
                (self.calm, self.most) = (0, (self.most + 1).min(BOUNDS.1));
            }
        }
    }

    /// The number that follows from as many answers as were under way.
    fn next(&self) -> usize {
        let (usual, patience) = (self.took / self.answers.max(1), self.fastest.max(SHORT).saturating_mul(PATIENCE));
        if self.is_refused {
            self.at_once / 2
        } else if usual <= patience {
            self.at_once + self.at_once.div_ceil(4)
        } else if usual > 2 * patience {
            self.at_once * 3 / 4
        } else {
            self.at_once
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number after so many rounds, in each of which all that are under way are answered after this many milliseconds.
    fn after(pace: &Pace, rounds: usize, milliseconds: u64) -> usize {
        for _ in 0..rounds {
            for _ in 0..pace.at_once() {
                pace.note(Duration::from_millis(milliseconds), false);
            }
        }
        pace.at_once()
    }

    #[test]
    fn it_grows_while_answers_are_quick_and_shrinks_when_they_wait() {
        let pace = Pace::default();
        assert_eq!(pace.at_once(), 32);
        assert_eq!(after(&pace, 1, 5), 40);
        assert_eq!(after(&pace, 9, 90), 48, "no more than the most");
        assert_eq!(after(&pace, 1, 150), 48, "neither quick nor slow");
        assert_eq!(after(&pace, 1, 210), 36);
        assert_eq!(after(&pace, 20, 1000), 2, "no fewer than the fewest");
        assert!(after(&pace, 20, 5) > 2, "and back");
    }

    #[test]
    fn on_a_long_way_answers_are_not_taken_for_slow() {
        let pace = Pace::default();
        assert_eq!(after(&pace, 9, 300), 48);
        assert_eq!(after(&pace, 1, 1000), 48);
        assert_eq!(after(&pace, 1, 2500), 36);
    }

    fn refuse(pace: &Pace) {
        for _ in 0..pace.at_once() {
            pace.note(Duration::from_millis(1), true);
        }
    }

    #[test]
    fn an_answer_that_asks_to_come_back_later_halves_it_once() {
        let pace = Pace::default();
        refuse(&pace);
        assert_eq!(pace.at_once(), 16);
        assert_eq!(after(&pace, 2, 5), 24, "three quarters of what was refused");
        assert_eq!(after(&pace, 9, 5), 24);
        assert_eq!(after(&pace, 1, 5), 25, "and from there one by one");
        assert_eq!(after(&pace, 10, 5), 26);
    }

    #[test]
    fn an_outage_is_got_over() {
        let pace = Pace::default();
        (0..10).for_each(|_| refuse(&pace));
        assert_eq!(pace.at_once(), 2);
        assert_eq!(after(&pace, 12, 5), 24, "as fast as it went down");
    }
}

//! How many requests are under way at once: as many as the API server answers without keeping them waiting.
//!
//! Rule: the number grows while answers come about as fast as the fastest did, and shrinks when they take several times as long, so that whoever
//! else asks the API server is not kept waiting either. An answer that asks to come back later halves it, and from
//! three quarters of what was refused it grows one by one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many at first.
const FIRST: usize = 32;
/// The fewest and the most.
const BOUNDS: (usize, usize) = (2, 64);
/// Waiting is counted from here on, however fast the fastest answer was.
const SHORT: Duration = Duration::from_millis(25);
/// An answer that takes so many times as long as the fastest leaves room for more; one that takes twice that waited too long.
const PATIENCE: u32 = 4;

/// The number of requests under way, and what it goes by.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    at_once: usize,
    most: usize,
    fastest: Duration,
    /// Since the number was last looked at: how many answers came, how long they took together, and whether one asked to come back later.
    answers: u32,
    took: Duration,
    is_refused: bool,
}

impl Default for Pace {
    fn default() -> Self {
        let state = State { at_once: FIRST, most: BOUNDS.1, fastest: Duration::MAX, answers: 0, took: Duration::ZERO, is_refused: false };
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
            if self.is_refused {
                self.most = (self.at_once * 3 / 4).max(BOUNDS.0);
            } else if self.at_once == self.most {
                self.most = (self.most + 1).min(BOUNDS.1);
            }
            self.at_once = self.next().clamp(BOUNDS.0, self.most);
            (self.answers, self.took, self.is_refused) = (0, Duration::ZERO, false);
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
        assert_eq!(after(&pace, 9, 90), 64, "no more than the most");
        assert_eq!(after(&pace, 1, 150), 64, "neither quick nor slow");
        assert_eq!(after(&pace, 1, 210), 48);
        assert_eq!(after(&pace, 20, 1000), 2, "no fewer than the fewest");
        assert!(after(&pace, 20, 5) > 2, "and back");
    }

    #[test]
    fn on_a_long_way_answers_are_not_taken_for_slow() {
        let pace = Pace::default();
        assert_eq!(after(&pace, 9, 300), 64);
        assert_eq!(after(&pace, 1, 1000), 64);
        assert_eq!(after(&pace, 1, 2500), 48);
    }

    #[test]
    fn an_answer_that_asks_to_come_back_later_halves_it_once() {
        let pace = Pace::default();
        for _ in 0..32 {
            pace.note(Duration::from_millis(1), true);
        }
        assert_eq!(pace.at_once(), 16);
        assert_eq!(after(&pace, 2, 5), 24, "three quarters of what was refused");
        assert_eq!(after(&pace, 1, 5), 25, "and from there one by one");
    }
}

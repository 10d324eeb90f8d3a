//! Decides which search runs when and with which seed. The runner is passed in.

use std::time::Duration;

use anyhow::{Error, Result};

use super::search::{Run, Search};

pub struct Plan {
    pub searches: Vec<Search>,
    /// The seed from which all others are derived.
    pub seed: u64,
    pub time: Duration,
}

#[derive(Default)]
pub struct Outcome {
    pub passed: u32,
    pub failures: Vec<(Run, Error)>,
}

impl Plan {
    /// Runs each search in turn with new seeds, round after round, until the time is up. A search that failed is not
    /// run again, since it would most likely fail the same way; the others continue.
    pub fn play(
        &self,
        elapsed: impl Fn() -> Duration,
        mut perform: impl FnMut(Run) -> Result<()>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut searches = self.searches.clone();
        for round in 0.. {
            for search in std::mem::take(&mut searches) {
                if elapsed() >= self.time {
                    return outcome;
                }
                let run = Run {
                    search,
                    seed: self.seed_of(round, search),
                };
                match perform(run) {
                    Ok(()) => {
                        outcome.passed += 1;
                        searches.push(search);
                    }
                    Err(error) => outcome.failures.push((run, error)),
                }
            }
            if searches.is_empty() {
                break;
            }
        }
        outcome
    }

    /// Independent of which other searches run.
    fn seed_of(&self, round: u64, search: Search) -> u64 {
        mix(mix(self.seed.wrapping_add(round)).wrapping_add(search as u64))
    }
}

/// splitmix64: maps adjacent numbers to distant ones, because tests count up from their seed.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::HashSet;

    use anyhow::bail;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn plan(searches: &[Search], minutes: u32) -> Plan {
        Plan {
            searches: searches.to_vec(),
            seed: 1,
            time: MINUTE * minutes,
        }
    }

    /// Every run takes a minute. `failing` fails on its second run.
    fn play(plan: &Plan, failing: Option<Search>) -> (Vec<Run>, Outcome) {
        let (minutes, runs) = (Cell::new(0), RefCell::new(Vec::<Run>::new()));
        let outcome = plan.play(
            || MINUTE * minutes.get(),
            |run| {
                minutes.set(minutes.get() + 1);
                let before = runs.borrow().iter().any(|known| known.search == run.search);
                runs.borrow_mut().push(run);
                if before && failing == Some(run.search) {
                    bail!("a leak");
                }
                Ok(())
            },
        );
        (runs.into_inner(), outcome)
    }

    #[test]
    fn searches_alternate_with_new_seeds_until_the_time_is_up() {
        let (runs, outcome) = play(&plan(&[Search::Fuzz, Search::Scripts], 5), None);
        let order: Vec<_> = runs.iter().map(|run| run.search.name()).collect();
        assert_eq!(order, ["fuzz", "scripts", "fuzz", "scripts", "fuzz"]);
        let seeds: HashSet<u64> = runs.iter().map(|run| run.seed).collect();
        assert_eq!(seeds.len(), 5);
        assert_eq!((outcome.passed, outcome.failures.len()), (5, 0));
    }

    #[test]
    fn a_seed_reproduces_all_runs_and_those_of_a_single_search() {
        let two_rounds = 2 * Search::ALL.len() as u32;
        let (all, _) = play(&plan(&Search::ALL, two_rounds), None);
        let (again, _) = play(&plan(&Search::ALL, two_rounds), None);
        assert_eq!(all, again);
        let (alone, _) = play(&plan(&[Search::Lineage], 2), None);
        let of_all: Vec<Run> = all
            .into_iter()
            .filter(|run| run.search == Search::Lineage)
            .collect();
        assert_eq!(alone, of_all);
    }

    #[test]
    fn a_failed_search_stops_and_the_others_continue() {
        let (runs, outcome) = play(
            &plan(&[Search::Fuzz, Search::Scripts], 6),
            Some(Search::Fuzz),
        );
        let order: Vec<_> = runs.iter().map(|run| run.search.name()).collect();
        assert_eq!(
            order,
            ["fuzz", "scripts", "fuzz", "scripts", "scripts", "scripts"]
        );
        assert_eq!(outcome.failures[0].0, runs[2]);
    }

    #[test]
    fn play_ends_when_every_search_has_failed() {
        let (runs, outcome) = play(&plan(&[Search::Fuzz], 60), Some(Search::Fuzz));
        assert_eq!((runs.len(), outcome.failures.len()), (2, 1));
    }
}

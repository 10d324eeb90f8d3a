//! The search path that a session is taken to have, against a model of what the server does with the setting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use gatewright_sql::{Catalog, Facts, SearchPath, Settings, analyze, on_big_stack};

use crate::pool::NamesAtStart;
use crate::session::state::search_path::PathState;

const START: &str = "start";

/// PostgreSQL's setting (guc.c): the value now, and the one that a commit leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Value {
    now: &'static str,
    kept: &'static str,
}

#[derive(Debug)]
struct Server {
    value: Value,
    /// The values at BEGIN and at each savepoint.
    saved: Vec<Value>,
    failed: bool,
}

impl Server {
    fn status(&self) -> u8 {
        match (self.saved.is_empty(), self.failed) {
            (true, _) => b'I',
            (_, true) => b'E',
            _ => b'T',
        }
    }

    fn end(&mut self, commit: bool) {
        let before = self.saved.first().copied().unwrap_or(self.value);
        let kept = if commit && !self.failed {
            self.value.kept
        } else {
            before.kept
        };
        self.value = Value { now: kept, kept };
        self.saved.clear();
        self.failed = false;
    }

    /// One statement of a Query. False: it failed.
    fn run(&mut self, text: &'static str, implicit: bool) -> bool {
        let open = !self.saved.is_empty();
        match text {
            "ROLLBACK" => self.end(false),
            "COMMIT" => self.end(true),
            "ROLLBACK TO s" => {
                if self.saved.len() < 2 {
                    self.failed |= open;
                    return false;
                }
                self.value = self.saved[self.saved.len() - 1];
                self.failed = false;
            }
            _ if self.failed => return false,
            "BEGIN" if open => {}
            "BEGIN" => self.saved.push(self.value),
            "SAVEPOINT s" | "SELECT 1/0" if !open => return false,
            "SAVEPOINT s" => self.saved.push(self.value),
            "SELECT 1/0" => {
                self.failed = true;
                return false;
            }
            "SELECT 1" => {}
            "RESET search_path" => self.set(START),
            _ => match text.strip_prefix("SET LOCAL search_path = ") {
                Some(value) if open || implicit => self.value.now = value,
                Some(_) => {}
                None => self.set(text.strip_prefix("SET search_path = ").expect("a SET")),
            },
        }
        true
    }

    fn set(&mut self, value: &'static str) {
        self.value = Value {
            now: value,
            kept: value,
        };
    }

    /// A Query of several statements outside a transaction is one of its own.
    fn query(&mut self, texts: &[&'static str]) -> (usize, bool) {
        let implicit = texts.len() > 1 && self.saved.is_empty();
        let before = self.value;
        let done = texts
            .iter()
            .take_while(|text| self.run(text, implicit))
            .count();
        let well = done == texts.len();
        if implicit {
            let kept = if well { self.value.kept } else { before.kept };
            self.value = Value { now: kept, kept };
        }
        (done, well)
    }
}

const TEXTS: [&str; 12] = [
    "SELECT 1",
    "SELECT 1/0",
    "SET search_path = a",
    "SET search_path = b",
    "SET LOCAL search_path = a",
    "SET LOCAL search_path = b",
    "RESET search_path",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
];

fn facts() -> HashMap<&'static str, Arc<Facts>> {
    let all = on_big_stack(|| {
        TEXTS.map(|text| {
            let analysis = analyze(text, &Catalog::default(), &Settings::default());
            (text, Arc::clone(&analysis.expect(text).statements[0].facts))
        })
    });
    all.expect("no panic").into_iter().collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

fn path(element: &str) -> SearchPath {
    SearchPath::of(&[element.into()], &[]).expect("a path")
}

/// Plays random statements, `ahead` of which may be sent before their replies are read. Returns how often the path was known to
/// be one value.
fn play(seed: u64, ahead: usize, reported: bool, facts: &HashMap<&str, Arc<Facts>>) -> usize {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut server = Server {
        value: Value {
            now: START,
            kept: START,
        },
        saved: Vec::new(),
        failed: false,
    };
    let mut state = PathState::new(Some(NamesAtStart {
        path: START.to_owned(),
        roles: Vec::new(),
        reported,
    }));
    let mut replies = VecDeque::new();
    let (mut log, mut certain) = (Vec::new(), 0);
    let mut told = START;
    for _ in 0..60 {
        while !replies.is_empty() && (replies.len() > ahead || random.below(3) == 0) {
            let (texts, done, well, status, now): (Vec<&str>, usize, bool, u8, &str) =
                replies.pop_front().expect("a reply");
            texts
                .iter()
                .take(done)
                .for_each(|text| state.succeeded(&facts[text]));
            if !well {
                state.failed();
            }
            if reported && now != told {
                state.report(now.as_bytes());
                told = now;
            }
            state.ready(status, replies.is_empty());
        }
        let several = server.saved.is_empty() && random.below(4) == 0;
        let texts: Vec<&str> = match several {
            true => (0..3).map(|_| TEXTS[random.below(7)]).collect(),
            false => vec![TEXTS[random.below(TEXTS.len())]],
        };
        log.push(format!("{texts:?} {}", replies.len()));
        if let Some(known) = state.current() {
            let holds = known.includes(server.value.now);
            assert!(holds, "{known:?} is not {}: {log:#?}", server.value.now);
            certain += usize::from(*known == path(server.value.now));
        }
        texts.iter().for_each(|text| state.sent(&facts[text], None));
        let (done, well) = server.query(&texts);
        replies.push_back((texts, done, well, server.status(), server.value.now));
    }
    certain
}

#[test]
fn the_path_is_never_another_than_the_server_has() {
    let facts = facts();
    for (ahead, reported, least) in [(0, false, 85), (0, true, 90), (3, false, 5), (3, true, 5)] {
        let certain: usize = (1..400)
            .map(|seed| play(seed, ahead, reported, &facts))
            .sum();
        let share = certain * 100 / (399 * 60);
        assert!(
            share >= least,
            "{share} % with {ahead} ahead, reported: {reported}"
        );
    }
}

fn one(text: &str) -> Facts {
    let analysis = on_big_stack(|| analyze(text, &Catalog::default(), &Settings::default()));
    let analysis = analysis.expect("no panic").expect(text);
    Facts::clone(&analysis.statements[0].facts)
}

fn started(path: &str) -> PathState {
    PathState::new(Some(NamesAtStart {
        path: path.to_owned(),
        roles: vec!["ada".to_owned()],
        reported: false,
    }))
}

#[test]
fn the_role_is_part_of_the_path() {
    let mut state = started("\"$user\", public");
    let of = |names: &[&str]| {
        let names: Vec<Box<str>> = names.iter().map(|name| (*name).into()).collect();
        SearchPath::of(&names, &[])
    };
    assert_eq!(state.current().cloned(), of(&["ada", "public"]));
    state.sent(&one("SET ROLE bob"), None);
    assert_eq!(state.current().cloned(), of(&["ada", "bob", "public"]));
    state.sent(&one("SELECT set_config($1, $2, false)"), None);
    assert_eq!(state.current(), None);
    let mut fixed = started("public");
    fixed.sent(&one("SET ROLE bob"), None);
    assert_eq!(fixed.current().cloned(), of(&["public"]));
}

/// What may set the path to anything makes it unknown, until it is set again.
#[test]
fn code_that_is_not_read_may_set_the_path() {
    for text in [
        "DO $$ BEGIN PERFORM set_config('search_path', 'x', false); END $$",
        "DO $$ BEGIN SET search_path = x; END $$",
        "DO $$ BEGIN EXECUTE 'x'; END $$",
        "DO LANGUAGE plperl 'x'",
        "SELECT set_config('search_path', current_user, false)",
        "SELECT length(set_config('search_path', 'x', false))",
        "SELECT set_config(n, 'x', false) FROM v",
        "UPDATE pg_settings SET setting = 'x'",
        "EXECUTE p",
        "FETCH c",
        "SET search_path FROM CURRENT",
        "LOAD 'x'",
    ] {
        let mut state = started("public");
        state.sent(&one(text), None);
        assert_eq!(state.current(), None, "{text}");
        state.ready(b'I', true);
        assert_eq!(state.current(), None, "{text}");
        let set = one("SET search_path = public");
        state.sent(&set, None);
        state.succeeded(&set);
        state.ready(b'I', true);
        assert_eq!(state.current(), Some(&path("public")), "{text}");
    }
    for text in [
        "DROP TABLE t CASCADE",
        "SET work_mem = '1MB'",
        "COMMIT",
        "SELECT set_config('x.y', 'z', false)",
    ] {
        let mut state = started("public");
        state.sent(&one(text), None);
        assert_eq!(state.current(), Some(&path("public")), "{text}");
    }
}

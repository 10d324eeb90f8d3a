//! What people type into a search, and what is found.

use std::ops::Range;

use thiserror::Error;

use super::index::{SessionEntry, StatementEntry};
use super::words::{self, Fact, words};
use crate::store::Dialect;

/// The most characters of a search, and the most terms.
const LONGEST: usize = 1000;
const MOST: usize = 32;

/// The characters of a text that are shown before and behind what was found.
const AROUND: usize = 80;

/// What is searched for: every term has to be found in one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    terms: Vec<Term>,
}

/// Why a search cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SearchError {
    #[error("there is no word in it")]
    Empty,
    #[error("it has more than {LONGEST} characters or {MOST} terms")]
    TooLong,
    #[error("`{key}:` cannot be `{value}`; it is one of {known}")]
    Unknown {
        key: &'static str,
        value: String,
        known: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Words that follow each other, in texts, names of tables, and results.
    Words {
        words: Vec<String>,
        at: Place,
        is_prefix: bool,
    },
    Fact(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    Results,
}

/// A statement that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// For the next page.
    pub id: i64,
    pub session: SessionEntry,
    pub statement: StatementEntry,
    /// Where it was found in the text. Empty: it was not found there, but in names or results.
    pub snippet: Vec<Snippet>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// It is what was searched for.
    pub is_found: bool,
}

const DECISIONS: [&str; 3] = ["permitted", "needs-approval", "refused"];
const OUTCOMES: [&str; 5] = ["completed", "suspended", "failed", "skipped", "lost"];

impl Search {
    /// Reads words, "phrases in quotes", `word*`, and `key:value`.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        if text.chars().count() > LONGEST {
            return Err(SearchError::TooLong);
        }
        let terms = pieces(text).into_iter().map(|piece| term(&piece));
        let terms: Vec<_> = terms
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        match terms.len() {
            0 => Err(SearchError::Empty),
            count if count > MOST => Err(SearchError::TooLong),
            _ => Ok(Search { terms }),
        }
    }

    /// Only in one session.
    #[must_use]
    pub fn within(mut self, session: &str) -> Self {
        self.terms.push(Term::Fact(Fact::Session.word(session)));
        self
    }

    /// The search in the language of the database. It has letters, digits and what is written here, whatever was typed.
    pub(super) fn in_language_of(&self, dialect: Dialect) -> String {
        let terms = self.terms.iter().map(|term| match dialect {
            Dialect::Sqlite => term.for_sqlite(),
            Dialect::Postgres => term.for_postgres(),
        });
        let and = match dialect {
            Dialect::Sqlite => " AND ",
            Dialect::Postgres => " & ",
        };
        terms.collect::<Vec<_>>().join(and)
    }

    /// The beginning of what was found in a text, with what is around it.
    pub(super) fn snippet(&self, text: &str) -> Vec<Snippet> {
        let spans: Vec<_> = words::spans(text).take(words::MOST).collect();
        let is_found = |span: &Range<usize>| {
            let word = text.get(span.clone()).map(words::word).unwrap_or_default();
            self.terms.iter().any(|term| term.has(&word))
        };
        let Some(first) = spans.iter().find(|span| is_found(span)) else {
            return Vec::new();
        };
        let (begin, end) = around(text, first.start, first.end);
        let mut snippet = Snippets::default();
        if begin > 0 {
            snippet.push("…", false);
        }
        let inside = spans
            .iter()
            .filter(|span| span.start >= begin && span.end <= end);
        let mut at = begin;
        for found in joined(inside.filter(|span| is_found(span))) {
            snippet.push(text.get(at..found.start).unwrap_or_default(), false);
            snippet.push(text.get(found.clone()).unwrap_or_default(), true);
            at = found.end;
        }
        snippet.push(text.get(at..end).unwrap_or_default(), false);
        if end < text.len() {
            snippet.push("…", false);
        }
        snippet.0
    }
}

#[derive(Default)]
struct Snippets(Vec<Snippet>);

impl Snippets {
    fn push(&mut self, text: &str, is_found: bool) {
        if !text.is_empty() {
            self.0.push(Snippet {
                text: text.to_owned(),
                is_found,
            });
        }
    }
}

/// Words with one byte between them are one: `snake_case`.
fn joined<'a>(spans: impl Iterator<Item = &'a Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.end + 1 == span.start => last.end = span.end,
            Some(_) | None => joined.push(span.clone()),
        }
    }
    joined
}

/// So many characters more in both directions.
fn around(text: &str, begin: usize, end: usize) -> (usize, usize) {
    let before = text.get(..begin).unwrap_or_default().char_indices().rev();
    let begin = before.take(AROUND).last().map_or(begin, |(at, _)| at);
    let behind = text.get(end..).unwrap_or_default();
    let length = behind.char_indices().nth(AROUND * 2).map(|(at, _)| at);
    (begin, length.map_or(text.len(), |length| end + length))
}

/// What stands between spaces that are not in quotes.
fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        if character == '"' {
            is_quoted = !is_quoted;
        }
        match character.is_whitespace() && !is_quoted {
            true => pieces.push(std::mem::take(&mut piece)),
            false => piece.push(character),
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// `None`: there is no word in it.
fn term(piece: &str) -> Result<Option<Term>, SearchError> {
    let keyed = piece.split_once(':');
    let keyed = keyed.map(|(key, value)| (key, value.replace('"', "")));
    Ok(match keyed {
        Some(("subject", value)) => fact(Fact::Subject, &value),
        Some(("agent", value)) => fact(Fact::Agent, &value),
        Some(("database", value)) => fact(Fact::Database, &value),
        Some(("role", value)) => fact(Fact::Role, &value),
        Some(("session", value)) => fact(Fact::Session, &value),
        Some(("table", value)) => fact(Fact::Table, &value),
        Some(("sqlstate", value)) => fact(Fact::Sqlstate, &value),
        Some(("verb", value)) => fact(Fact::Verb, &value),
        Some(("verdict", value)) => {
            known("verdict", &value, &DECISIONS)?;
            fact(Fact::Decision, &value)
        }
        Some(("outcome", value)) => {
            known("outcome", &value, &OUTCOMES)?;
            fact(Fact::Outcome, &value)
        }
        Some(("result", value)) => phrase(&value, Place::Results),
        _ => phrase(piece, Place::Anywhere),
    })
}

fn known(key: &'static str, value: &str, known: &[&str]) -> Result<(), SearchError> {
    match known.contains(&value) {
        true => Ok(()),
        false => Err(SearchError::Unknown {
            key,
            value: value.to_owned(),
            known: known.join(", "),
        }),
    }
}

fn fact(fact: Fact, value: &str) -> Option<Term> {
    (!value.is_empty()).then(|| Term::Fact(fact.word(value)))
}

fn phrase(text: &str, at: Place) -> Option<Term> {
    let words: Vec<_> = words(text).collect();
    (!words.is_empty()).then(|| Term::Words {
        words,
        at,
        is_prefix: text.ends_with('*'),
    })
}

impl Term {
    fn for_sqlite(&self) -> String {
        match self {
            Term::Words {
                words,
                at,
                is_prefix,
            } => {
                let columns = match at {
                    Place::Anywhere => "{text tables results}",
                    Place::Results => "{results}",
                };
                let star = if *is_prefix { " *" } else { "" };
                format!("({columns} : \"{}\"{star})", words.join(" "))
            }
            Term::Fact(word) => format!("({{facts}} : \"{word}\")"),
        }
    }

    fn for_postgres(&self) -> String {
        match self {
            Term::Words {
                words,
                at,
                is_prefix,
            } => {
                let weights = match at {
                    Place::Anywhere => "ABC",
                    Place::Results => "C",
                };
                let last = words.len() - 1;
                let words = words.iter().enumerate().map(|(index, word)| {
                    let star = if *is_prefix && index == last { "*" } else { "" };
                    format!("'{word}':{star}{weights}")
                });
                format!("({})", words.collect::<Vec<_>>().join(" <-> "))
            }
            Term::Fact(word) => format!("'{word}':D"),
        }
    }

    fn has(&self, word: &str) -> bool {
        match self {
            Term::Words {
                words,
                at: Place::Anywhere,
                is_prefix,
            } => {
                let begins = || words.last().is_some_and(|last| word.starts_with(last));
                words.iter().any(|own| own == word) || *is_prefix && begins()
            }
            Term::Words {
                at: Place::Results, ..
            }
            | Term::Fact(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sqlite(text: &str) -> String {
        let search = Search::parse(text).expect("a search");
        search.in_language_of(Dialect::Sqlite)
    }

    fn postgres(text: &str) -> String {
        let search = Search::parse(text).expect("a search");
        search.in_language_of(Dialect::Postgres)
    }

    #[test]
    fn words_phrases_and_keys_are_terms() {
        assert_eq!(
            sqlite("drop \"from customer_orders\" inv*"),
            "({text tables results} : \"drop\") AND ({text tables results} : \"from customer orders\") \
             AND ({text tables results} : \"inv\" *)"
        );
        assert_eq!(
            postgres("a.b inv* result:x"),
            "('a':ABC <-> 'b':ABC) & ('inv':*ABC) & ('x':C)"
        );
        let ada = Fact::Subject.word("ada");
        assert_eq!(sqlite("subject:Ada"), format!("({{facts}} : \"{ada}\")"));
        assert_eq!(postgres("subject:\"ada\""), format!("'{ada}':D"));
    }

    #[test]
    fn what_is_no_search_is_said() {
        for text in ["", "  ", "\"\"", "' -- ;", "subject:"] {
            assert_eq!(Search::parse(text), Err(SearchError::Empty), "{text}");
        }
        let long = "a ".repeat(MOST + 1);
        assert_eq!(Search::parse(&long), Err(SearchError::TooLong));
        assert!(matches!(
            Search::parse("verdict:refuse"),
            Err(SearchError::Unknown { key: "verdict", .. })
        ));
    }

    #[test]
    fn a_snippet_shows_what_was_found() {
        let search = Search::parse("email").expect("a search");
        let text = format!("SELECT {} email, name FROM c", "x, ".repeat(60));
        let snippet = search.snippet(&text);
        let found: Vec<_> = snippet.iter().filter(|piece| piece.is_found).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "email");
        assert_eq!(snippet[0].text, "…");
        assert_eq!(search.snippet("SELECT 1"), Vec::new());
        let search = Search::parse("big_orders").expect("a search");
        let snippet = search.snippet("FROM big_orders");
        assert_eq!(snippet[1].text, "big_orders");
    }

    proptest! {
        /// Whatever is typed, nothing of it but letters and digits gets into the search.
        #[test]
        fn nothing_typed_is_part_of_the_language(text in any::<String>()) {
            let Ok(search) = Search::parse(&text) else { return Ok(()) };
            let sqlite = search.in_language_of(Dialect::Sqlite);
            prop_assert_eq!(sqlite.matches('"').count(), 2 * search.terms.len());
            for (index, part) in sqlite.split('"').enumerate() {
                let fixed = part.replace("{text tables results}", "").replace("{results}", "").replace("{facts}", "").replace(" AND ", "");
                prop_assert!(match index % 2 {
                    0 => fixed.chars().all(|c| "() :*".contains(c)),
                    _ => part.chars().all(|c| c.is_alphanumeric() || c == ' '),
                }, "{}", sqlite);
            }
            let postgres = search.in_language_of(Dialect::Postgres);
            for (index, part) in postgres.split('\'').enumerate() {
                prop_assert!(match index % 2 {
                    0 => part.chars().all(|c| "()<->& :*ABCD".contains(c)),
                    _ => part.chars().all(char::is_alphanumeric),
                }, "{}", postgres);
            }
        }

        #[test]
        fn snippets_are_pieces_of_the_text(text in any::<String>(), word in "[a-z]{1,3}") {
            let search = Search::parse(&word).expect("a word");
            for piece in search.snippet(&text) {
                prop_assert!(piece.text == "…" || text.contains(&piece.text));
            }
        }
    }
}

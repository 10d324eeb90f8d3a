//! Words, as the index has them: runs of letters and digits in lower case. Both databases get them separated, so that both find the same, and
//! a query is never in a database's own search language.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// The most words of one text that are indexed.
pub(super) const MOST: usize = 8192;

/// The characters of a word that count.
const LONGEST: usize = 64;

/// The words of a text, and where they are.
pub(super) fn spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let begin = rest + text.get(rest..)?.find(char::is_alphanumeric)?;
        let length = text.get(begin..)?.find(|c: char| !c.is_alphanumeric());
        let end = length.map_or(text.len(), |length| begin + length);
        rest = end;
        Some(begin..end)
    })
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    spans(text).filter_map(|span| text.get(span).map(word))
}

/// A run of letters and digits as a word.
pub(super) fn word(run: &str) -> String {
    let lower = run.chars().flat_map(char::to_lowercase);
    // What becomes of a letter in lower case can have marks, which separate no words here.
    lower
        .filter(|c| c.is_alphanumeric())
        .take(LONGEST)
        .collect()
}

/// What a statement or its session is, as a word that no text can have a part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Subject,
    Agent,
    Database,
    Role,
    Session,
    Table,
    Decision,
    Outcome,
    Sqlstate,
    Verb,
}

impl Fact {
    pub fn word(self, value: &str) -> String {
        let letter = match self {
            Fact::Subject => 's',
            Fact::Agent => 'a',
            Fact::Database => 'd',
            Fact::Role => 'r',
            Fact::Session => 'i',
            Fact::Table => 't',
            Fact::Decision => 'v',
            Fact::Outcome => 'o',
            Fact::Sqlstate => 'q',
            Fact::Verb => 'b',
        };
        let digest = Sha256::digest(value.to_lowercase());
        let digest: String = hex::encode(digest).chars().take(24).collect();
        format!("{letter}{digest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let text = "SELECT c.e_mail FROM \"Kunden\" WHERE ort='Zürich-42'";
        let found: Vec<_> = words(text).collect();
        let expected = [
            "select", "c", "e", "mail", "from", "kunden", "where", "ort", "zürich", "42",
        ];
        assert_eq!(found, expected);
        assert_eq!(spans(text).last(), Some(text.len() - 3..text.len() - 1));
        assert_eq!(words("  ").count() + words("").count(), 0);
    }

    #[test]
    fn a_word_is_letters_and_digits_only() {
        for text in ["İstanbul", &"x".repeat(1000), "a'b\\c\"d|e&f!g:h*i"] {
            for word in words(text) {
                assert!(word.chars().all(char::is_alphanumeric), "{word}");
                assert!(word.chars().count() <= LONGEST);
            }
        }
    }

    #[test]
    fn facts_of_different_kinds_are_different_words() {
        assert_ne!(Fact::Subject.word("ada"), Fact::Agent.word("ada"));
        assert_eq!(Fact::Table.word("Public.T"), Fact::Table.word("public.t"));
    }
}

//! The log: what it has can be proven, and that it still has it.

use std::fs;

use gatewright_record::log::{Checkpoint, Entry, Log, LogError, LogWriter, SigningKey};
use gatewright_record::segment::Hash;
use tempfile::TempDir;

use crate::samples::session;

const NAME: &str = "gatewright.example/record";

fn entry(number: u128) -> Entry {
    Entry {
        session: session(number),
        segment: 0,
        digest: Hash([number as u8; 32]),
        length: 1000 + number as u64,
        at: number as u64,
        is_last: true,
        deleted: None,
    }
}

struct Sample {
    directory: TempDir,
    key: SigningKey,
}

impl Sample {
    fn new() -> Self {
        Sample {
            directory: tempfile::tempdir().unwrap(),
            key: SigningKey::generate(NAME).unwrap(),
        }
    }

    fn writer(&self) -> LogWriter {
        LogWriter::open(self.directory.path().to_owned(), self.key.clone()).unwrap()
    }

    fn log(&self) -> Result<Log, LogError> {
        Log::open(self.directory.path().to_owned(), &self.key.public())
    }

    fn checkpoint(&self) -> Checkpoint {
        self.log().unwrap().checkpoint().clone()
    }
}

/// Across the sizes at which tiles become full, in batches and one by one, with the log opened again.
#[test]
fn every_entry_is_proven_at_every_size() {
    let sample = Sample::new();
    let mut appended: Vec<Entry> = Vec::new();
    let mut older: Vec<Checkpoint> = vec![sample.checkpoint()];
    for batch in [1_u128, 1, 2, 3, 249, 1, 300, 211] {
        let first = appended.len() as u128;
        let entries: Vec<_> = (first..first + batch).map(entry).collect();
        sample.writer().append(&entries).unwrap();
        appended.extend(entries);
        let log = sample.log().unwrap();
        assert_eq!(log.len(), appended.len() as u64);
        assert_eq!(log.entries().unwrap(), appended);
        log.prove_all(&appended).unwrap();
        for (index, entry) in (0..).zip(&appended) {
            log.prove(index, entry).unwrap();
        }
        for older in &older {
            log.prove_since(older).unwrap();
        }
        older.push(log.checkpoint().clone());
    }
    let root = sample.directory.path();
    assert!(root.join("tile/entries/002").is_file() && root.join("tile/1/000.p/3").is_file());
    assert!(!root.join("tile/entries/000.p/255").exists());
}

#[test]
fn another_entry_is_not_proven() {
    let sample = Sample::new();
    let entries: Vec<_> = (0..20).map(entry).collect();
    sample.writer().append(&entries).unwrap();
    let log = sample.log().unwrap();
    let mut other = entry(7);
    other.digest = Hash([1; 32]);
    assert!(matches!(
        log.prove(7, &other),
        Err(LogError::NotIncluded(7))
    ));
    assert!(log.prove(8, &entry(7)).is_err());
    assert!(log.prove(20, &entry(20)).is_err());
    let mut edited = entries.clone();
    edited[7] = other;
    assert!(matches!(log.prove_all(&edited), Err(LogError::Root)));
    assert!(log.prove_all(&entries[..19]).is_err());
}

#[test]
fn a_checkpoint_of_another_key_is_none() {
    let sample = Sample::new();
    sample.writer().append(&[entry(1)]).unwrap();
    let other = SigningKey::generate(NAME).unwrap().public();
    let opened = Log::open(sample.directory.path().to_owned(), &other);
    assert!(matches!(opened.err(), Some(LogError::Checkpoint)));
    let path = sample.directory.path().join("checkpoint");
    let note = fs::read_to_string(&path).unwrap();
    fs::write(&path, note.replacen("\n1\n", "\n2\n", 1)).unwrap();
    assert!(matches!(sample.log().err(), Some(LogError::Checkpoint)));
}

/// The key's owner writes the log anew: who has kept a checkpoint notices.
#[test]
fn a_rewritten_log_does_not_follow_an_older_checkpoint() {
    let sample = Sample::new();
    let entries: Vec<_> = (0..30).map(entry).collect();
    sample.writer().append(&entries).unwrap();
    let older = sample.checkpoint();
    for change in ["edited", "removed", "shorter"] {
        let rewritten = Sample {
            directory: tempfile::tempdir().unwrap(),
            key: sample.key.clone(),
        };
        let mut others = entries.clone();
        match change {
            "edited" => others[3].length += 1,
            "removed" => drop(others.remove(3)),
            _ => others.truncate(29),
        }
        if change == "removed" {
            others.push(entry(30));
        }
        rewritten.writer().append(&others).unwrap();
        let log = rewritten.log().unwrap();
        log.prove_all(&others).unwrap();
        let proven = log.prove_since(&older);
        match change {
            "shorter" => assert!(matches!(proven, Err(LogError::Shorter))),
            _ => assert!(matches!(proven, Err(LogError::Inconsistent)), "{change}"),
        }
    }
}

#[test]
fn edited_tiles_are_found() {
    let sample = Sample::new();
    let entries: Vec<_> = (0..30).map(entry).collect();
    sample.writer().append(&entries).unwrap();
    for name in ["tile/0/000.p/30", "tile/entries/000.p/30"] {
        let path = sample.directory.path().join(name);
        let tile = fs::read(&path).unwrap();
        for byte in (0..tile.len()).step_by(17) {
            let mut edited = tile.clone();
            edited[byte] ^= 1;
            fs::write(&path, &edited).unwrap();
            let log = sample.log().unwrap();
            let proven = log.entries().and_then(|entries| {
                log.prove_all(&entries)?;
                (0..)
                    .zip(&entries)
                    .try_for_each(|(index, entry)| log.prove(index, entry))
            });
            assert!(proven.is_err(), "{name}, byte {byte}");
        }
        fs::write(&path, &tile).unwrap();
    }
    sample.log().unwrap().prove_all(&entries).unwrap();
}

/// A crash after the tiles were written and before the checkpoint was.
#[test]
fn what_was_not_signed_is_not_there() {
    let sample = Sample::new();
    sample.writer().append(&[entry(0), entry(1)]).unwrap();
    let checkpoint = sample.directory.path().join("checkpoint");
    let signed = fs::read(&checkpoint).unwrap();
    sample.writer().append(&[entry(2), entry(3)]).unwrap();
    fs::write(&checkpoint, signed).unwrap();
    assert_eq!(
        sample.log().unwrap().entries().unwrap(),
        [entry(0), entry(1)]
    );
    sample.writer().append(&[entry(4)]).unwrap();
    let log = sample.log().unwrap();
    let entries = [entry(0), entry(1), entry(4)];
    assert_eq!(log.entries().unwrap(), entries);
    log.prove_all(&entries).unwrap();
    log.prove(2, &entry(4)).unwrap();
}

#[test]
fn keys_have_a_text_form() {
    let key = SigningKey::generate(NAME).unwrap();
    let again = SigningKey::from_text(key.text()).unwrap();
    assert_eq!((again.public(), again.name()), (key.public(), NAME));
    assert!(!format!("{key:?}").contains("PRIVATE"));
    let other = SigningKey::generate(NAME).unwrap();
    let private = key.text().lines().next().unwrap();
    let mixed = format!("{private}\n{}\n", other.public().text());
    assert!(SigningKey::from_text(&mixed).is_err());
    assert!(SigningKey::from_text("").is_err());
    assert!(SigningKey::generate("two words").is_err());
}

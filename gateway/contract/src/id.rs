//! Ids of statements, sessions and what people decide about: UUIDs of version 7 (RFC 9562), unique across processes, gateways and restarts.
//! They sort by the time they were made, and have one text form everywhere: lower case with hyphens.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;
use uuid::{ClockSequence, Timestamp, Uuid};

/// A text that is no UUID in hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id: expected a UUID in its hyphenated form")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The default is the nil UUID, which stands for none: it is never generated.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, of this moment. Cheap enough for every statement: it takes no lock and enters no system call but
            /// the clock.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::new_v7(Timestamp::now(SubMillisecond)))
            }

            /// The upper and the lower 64 bits.
            pub fn halves(self) -> (u64, u64) {
                self.0.as_u64_pair()
            }

            /// The lower 64 bits, 62 of them random: what stands for the id where only 64 bits fit.
            pub fn low64(self) -> u64 {
                self.halves().1
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                hyphenated(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id! {
    /// One run of one statement: it is in the record, in an error's DETAIL and in the log.
    StatementId
}

id! {
    /// One connection of a client, from its start to its end.
    SessionId
}

id! {
    /// One request for a person's approval of one statement.
    RequestId
}

id! {
    /// One access grant, from the time that it is asked for.
    AccessGrantId
}

/// RFC 9562, section 6.2, method 3: twelve bits below the milliseconds are a fraction of one, so that ids of one session
/// sort in the order of its statements without a counter that all threads would share.
struct SubMillisecond;

impl ClockSequence for SubMillisecond {
    type Output = u16;

    fn generate_sequence(&self, _seconds: u64, subsec_nanos: u32) -> u16 {
        let fraction = (subsec_nanos % 1_000_000) * 4096 / 1_000_000;
        u16::try_from(fraction).unwrap_or(0x0fff)
    }

    fn usable_bits(&self) -> usize {
        12
    }
}

/// `Uuid` itself would read braces, URNs and hexadecimal without hyphens too.
fn hyphenated(text: &str) -> Result<Uuid, NotAnId> {
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(NotAnId);
    }
    Uuid::try_parse(text).map_err(|_| NotAnId)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_uuids_of_version_7_and_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| StatementId::generate()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let uuid = Uuid::from(id);
            assert_eq!(
                (uuid.get_version_num(), uuid.get_variant()),
                (7, uuid::Variant::RFC4122)
            );
        }
    }

    #[test]
    fn ids_sort_by_the_microsecond_they_were_made_in() {
        let mut last = SessionId::generate();
        for _ in 0..100 {
            std::thread::sleep(std::time::Duration::from_micros(5));
            let next = SessionId::generate();
            assert!(last < next, "{last} {next}");
            last = next;
        }
    }

    #[test]
    fn one_text_form() {
        let text = "0198a3c5-7d20-7abc-8def-0123456789ab";
        let id: SessionId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.halves(), (0x0198_a3c5_7d20_7abc, 0x8def_0123_4567_89ab));
        assert_eq!(id.low64(), 0x8def_0123_4567_89ab);
        for bad in [
            "",
            "0198a3c57d207abc8def0123456789ab",
            "{0198a3c5-7d20-7abc-8def-0123456789ab}",
            "urn:uuid:0198a3c5-7d20-7abc-8def-0123456789ab",
            "0198a3c5-7d20-7abc-8def-0123456789ag",
        ] {
            assert_eq!(bad.parse::<SessionId>(), Err(NotAnId), "{bad}");
        }
    }
}

//! The keys of `[record]`.

use super::{Key, Kind, Table};
use crate::config::choices;

const MIB: u64 = 1 << 20;

pub(in crate::config) static RECORD_MASK: Table = Table::new(
    "[[record.mask]]",
    &[
        Key::new(
            "columns",
            Kind::Strings,
            "the columns of tables, as `schema.table.column` or `schema.table.*`: values that may come from one of them are masked to viewers, \
             and found by nobody",
        )
        .required(),
        Key::new(
            "groups",
            Kind::Strings,
            "the groups whose members see these values all the same",
        )
        .absent("none"),
    ],
);

pub(in crate::config) static RECORD: Table = Table::new(
    "[record]",
    &[
        Key::new(
            "directory",
            Kind::Path,
            "where sessions are recorded. It is created if there is none. Only one gateway may record there",
        )
        .required(),
        Key::new(
            "key_file",
            Kind::Path,
            "the private key that signs the log of the record, created if there is none. Who has it can forge the log: keep it elsewhere \
             than the record",
        )
        .absent("`log.key` in `directory`"),
        Key::new(
            "durability",
            Kind::Choice(choices::DURABILITY.names),
            "`\"statement\"`: a statement runs once it is on disk that it is about to; `\"interval\"`: events are on disk after `interval`; \
             `\"none\"`: when the operating system writes them",
        )
        .default("\"statement\""),
        Key::new(
            "when_unwritable",
            Kind::Choice(choices::WHEN_UNWRITABLE.names),
            "what becomes of sessions while the record cannot be written or too much waits to be uploaded: `\"refuse\"`: they end, and statements \
             are refused; `\"hold\"`: statements wait, and run once they can be recorded",
        )
        .default("\"refuse\""),
        Key::new(
            "interval",
            Kind::Period,
            "how often events are written to disk with `durability = \"interval\"`",
        )
        .default("\"1s\""),
        Key::new(
            "keep",
            Kind::Choice(choices::KEEP.names),
            "what is recorded of sessions: `\"nothing\"` but who was connected and when; `\"statements\"`: statements, parameters, decisions \
             and ends as well; `\"rows\"`: what was delivered and copied in as well. A `[[database]]` may have its own",
        )
        .default("\"rows\""),
        Key::new(
            "literals",
            Kind::Choice(choices::LITERALS.names),
            "`\"keep\"`: texts and parameters are recorded as they were sent, but for passwords; `\"redact\"`: texts with parameters in \
             place of constants, of parameters and of COPY data from the client the lengths, and no texts of errors. A `[[database]]` \
             may have its own",
        )
        .default("\"keep\""),
        Key::new(
            "session_limit",
            Kind::Size(64 << 10, 1 << 50),
            "when so many bytes of events of a session are recorded, before compression, nothing more is of what is delivered and copied \
             in. The record says from where on; statements go on being recorded",
        ),
        Key::new(
            "retention",
            Kind::Period,
            "for how long a session is kept after its end. Then it is deleted as a whole, unless a hold keeps it, and the log says so. A \
             `[[database]]` may have its own",
        )
        .absent("for ever"),
        Key::new(
            "recipients",
            Kind::Strings,
            "for whom statements, parameters and results are encrypted: `age1…`, as `age-keygen` prints it. Each of them can read with their \
             own identity. Who was connected, and when and how executions ended, is not encrypted",
        )
        .absent("nothing is encrypted"),
        Key::new(
            "index",
            Kind::Choice(choices::KEEP.names),
            "what is in the index of the record, in the `[store]`: `\"nothing\"` but who was connected and when; `\"statements\"`: statements, \
             tables and decisions as well; `\"rows\"`: the words of results as well. Without `[approvals]` there is no store and no index",
        )
        .default("\"statements\""),
        Key::new(
            "viewers",
            Kind::Strings,
            "the groups whose members see recorded sessions in the console and over the API, besides `auditors`",
        )
        .absent("none"),
        Key::new(
            "store",
            Kind::String,
            "where finished segments and the log are uploaded: the URL of an object store (`s3://bucket/path`, `gs://…`, `az://…` or \
             `abfss://…`), or a directory. Credentials come from the environment",
        )
        .absent("everything stays in `directory`"),
        Key::new(
            "keep_local",
            Kind::Period,
            "for how long after its end a session that was uploaded has a copy in `directory`",
        )
        .absent("as long as it is in the record"),
        Key::new(
            "upload_backlog",
            Kind::Size(MIB, 1 << 50),
            "when more than this waits to be uploaded, nothing runs, as when the disk is full",
        )
        .absent("no limit"),
        Key::new(
            "checkpoints",
            Kind::String,
            "a second place where checkpoints of the log are kept: a directory, or the URL of an object store (`s3://bucket/path`, `gs://…`, \
             `az://…` or `abfss://…`). They show that the log was rewritten, if whoever can do that cannot write there. Credentials come from \
             the environment",
        ),
        Key::new(
            "checkpoint_interval",
            Kind::Period,
            "how often the newest checkpoint is put there, if the log has grown",
        )
        .default("\"1m\""),
        Key::new("mask", Kind::Tables(&RECORD_MASK), ""),
        Key::new(
            "max_segment",
            Kind::Size(MIB, 4096 * MIB),
            "a file that is longer is followed by another one of the same session",
        )
        .default("\"64MiB\""),
    ],
);

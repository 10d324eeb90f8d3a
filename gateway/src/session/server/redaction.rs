//! Errors and notices of statements that touch protected columns, without the parts that can hold values.
//!
//! The text of an error is safe only where the server raised it before it read a row, or about its own state. The fields for source file and
//! line tell where it was raised and cannot be set from SQL; SQLSTATE and all other fields can (PL/pgSQL: RAISE).

use gatewright_wire::ErrorFields;

/// The text in place of a withheld message.
pub(in crate::session) const WITHHELD: &str =
    "the statement failed; its message is withheld because it reads protected columns";
/// Source files of the server whose messages name objects, states and resources, but no values of rows.
const ABOUT_ITSELF: [&str; 18] = [
    "aclchk.c",
    "deadlock.c",
    "heapam.c",
    "lmgr.c",
    "nodeLockRows.c",
    "nodeModifyTable.c",
    "plancache.c",
    "portalcmds.c",
    "portalmem.c",
    "postgres.c",
    "predicate.c",
    "prepare.c",
    "proc.c",
    "scan.l",
    "stack_depth.c",
    "utility.c",
    "xact.c",
    "xlog.c",
];
/// SQLSTATE classes of such messages: transaction states, names of statements and cursors, privileges, concurrency, resources.
const STATES: [&str; 9] = ["25", "26", "34", "40", "42", "53", "54", "55", "57"];
/// SQLSTATE classes of errors found before a statement runs.
const BEFORE_RUNNING: [&str; 4] = ["42", "0A", "3D", "3F"];
/// Source files of procedural languages, which raise what a function's author wrote, including SQLSTATE and object names.
const LANGUAGES: [&str; 4] = ["pl_exec.c", "plpy_elog.c", "plperl.c", "pltcl.c"];

/// How the lines of a context begin that the server gives where no code runs.
const OWN_CONTEXTS: [&str; 3] = ["COPY ", "JSON data, line ", "while "];

/// The error or notice without what may hold values.
pub fn redact(server: &ErrorFields) -> ErrorFields {
    let mut fields = ErrorFields::default();
    let written = is_written(server);
    let kept: &[u8] = if written { b"SVFLR" } else { b"SVCPFLRstcdn" };
    for code in kept {
        if let Some(text) = server.field(*code) {
            fields.set(*code, text);
        }
    }
    if written {
        // raise_exception (PostgreSQL, Appendix A), or successful_completion for a notice.
        let notice = server
            .field(b'V')
            .is_some_and(|severity| severity != "ERROR");
        fields.set(b'C', if notice { "00000" } else { "P0001" });
    }
    if holds_no_values(server) {
        fields.set(b'M', server.field(b'M').unwrap_or_default());
        if let Some(hint) = server.field(b'H') {
            fields.set(b'H', hint);
        }
    } else {
        fields.set(b'M', WITHHELD);
    }
    fields
}

/// Whether a function or other code of the database raised it, or it came up while such code ran.
pub fn is_of_code(server: &ErrorFields) -> bool {
    let is_own = |line: &str| OWN_CONTEXTS.iter().any(|own| line.starts_with(own));
    is_written(server)
        || server.field(b'q').is_some()
        || server
            .field(b'W')
            .is_some_and(|context| !context.lines().all(is_own))
}

/// Raised by a procedural language or an extension, in whatever words.
fn is_written(server: &ErrorFields) -> bool {
    server.field(b'F').is_none_or(|file| {
        LANGUAGES.contains(&file) || ![".c", ".y", ".l"].iter().any(|end| file.ends_with(end))
    })
}

fn holds_no_values(server: &ErrorFields) -> bool {
    let class = server.field(b'C').and_then(|sqlstate| sqlstate.get(..2));
    let Some(class) = class else { return false };
    // Only errors found during parse analysis point into the text.
    let points = server.field(b'P').is_some();
    let about_itself = server
        .field(b'F')
        .is_some_and(|file| ABOUT_ITSELF.contains(&file));
    (points && BEFORE_RUNNING.contains(&class) && server.field(b'p').is_none())
        || (about_itself && STATES.contains(&class))
        || (server.field(b'F') == Some("plancache.c") && class == "0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ada@example.com";

    fn error(code: &str, file: &str, more: &[(u8, &str)]) -> ErrorFields {
        let mut fields = ErrorFields::new("ERROR", code, format!("wrong: {SECRET}"));
        for field in [b'D', b'H', b'W', b'q', b's', b't', b'c', b'd', b'n'] {
            fields.set(field, format!("more: {SECRET}"));
        }
        fields.set(b'F', file);
        for (field, text) in more {
            fields.set(*field, *text);
        }
        fields
    }

    fn shows(fields: &ErrorFields) -> bool {
        b"SVCMDHPpqWstcdnFLR".iter().any(|code| {
            fields
                .field(*code)
                .is_some_and(|text| text.contains(SECRET))
        })
    }

    #[test]
    fn what_a_function_raises_shows_nothing_of_its_words() {
        for code in ["P0001", "42601", "25P02", "40001", "ADA@E"] {
            for file in ["pl_exec.c", "plpy_elog.c", "plv8.cc"] {
                let seen = redact(&error(code, file, &[]));
                assert!(!shows(&seen), "{code} {file}: {seen:?}");
                assert_eq!(seen.field(b'C'), Some("P0001"));
            }
        }
    }

    #[test]
    fn an_error_of_a_row_keeps_its_code_and_its_constraint_only() {
        for (code, file) in [
            ("22P02", "numutils.c"),
            ("42P01", "namespace.c"),
            ("3F000", "namespace.c"),
            ("23505", "nbtinsert.c"),
            ("42602", "regproc.c"),
        ] {
            let mut failed = error(code, file, &[]);
            for field in [b's', b't', b'c', b'd', b'n'] {
                failed.set(field, "people");
            }
            let seen = redact(&failed);
            assert!(!shows(&seen), "{code}: {seen:?}");
            assert_eq!(
                (seen.field(b'C'), seen.field(b'n')),
                (Some(code), Some("people"))
            );
        }
    }

    #[test]
    fn what_is_wrong_with_the_text_is_told() {
        let seen = redact(&error("42703", "parse_relation.c", &[(b'P', "8")]));
        assert_eq!(seen.field(b'M'), Some("wrong: ada@example.com"));
        assert_eq!((seen.field(b'D'), seen.field(b'W')), (None, None));
        let inside = error("42703", "parse_relation.c", &[(b'P', "8"), (b'p', "8")]);
        assert!(
            !redact(&inside)
                .field(b'M')
                .is_some_and(|text| text.contains(SECRET))
        );
    }

    #[test]
    fn the_state_of_the_transaction_is_told() {
        let seen = redact(&error("25P02", "postgres.c", &[]));
        assert_eq!(seen.field(b'M'), Some("wrong: ada@example.com"));
    }

    #[test]
    fn code_is_told_from_the_server_by_file_and_context() {
        let of = |file, more: &[(u8, &str)]| {
            let mut fields = ErrorFields::new("ERROR", "22P02", "wrong");
            fields.set(b'F', file);
            for (field, text) in more {
                fields.set(*field, *text);
            }
            is_of_code(&fields)
        };
        assert!(!of("numutils.c", &[]));
        assert!(!of(
            "copyfromparse.c",
            &[(b'W', "COPY orders, line 2, column id: \"x\"")]
        ));
        assert!(of("pl_exec.c", &[]));
        assert!(of("plv8.cc", &[]));
        assert!(of(
            "numutils.c",
            &[(b'W', "PL/pgSQL function told(integer) line 1 at RETURN")]
        ));
        let behind = "COPY orders, line 2\nSQL function \"told\" statement 1";
        assert!(of("numutils.c", &[(b'W', behind)]));
        assert!(of("scan.l", &[(b'q', "SELECT 'a")]));
    }
}

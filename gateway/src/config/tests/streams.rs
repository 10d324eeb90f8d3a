//! Streams.

use super::*;
use crate::streams::{Destination, SyslogTarget, Texts};

fn errors(streams: &str) -> Vec<String> {
    let errors = Folder::new().errors(&format!("{LEAST}{streams}"));
    errors.into_iter().map(|(_, _, message)| message).collect()
}

#[test]
fn streams_wait_beside_the_record_unless_it_is_said_where() {
    let folder = Folder::new();
    let streams = r#"
[record]
directory = "/var/record"
[[stream]]
name = "siem"
to = "file"
path = "events.jsonl"
[[stream]]
name = "soc"
to = "syslog"
url = "unix:///dev/log"
[[stream]]
name = "out"
to = "stdout"
"#;
    let config = folder.load(&format!("{LEAST}{streams}")).unwrap();
    let settings = config.streams.unwrap().settings;
    assert_eq!(settings.directory.to_str(), Some("/var/record/streams"));
    assert_eq!((settings.limit, settings.texts), (1 << 30, Texts::Recorded));
    let [file, syslog, out] = settings.streams.as_slice() else {
        panic!("{settings:?}");
    };
    assert!(matches!(&file.to, Destination::File(path) if path.ends_with("events.jsonl")));
    assert!(matches!(
        &syslog.to,
        Destination::Syslog(SyslogTarget::Unix(path)) if path.to_str() == Some("/dev/log")
    ));
    assert!(matches!(out.to, Destination::Stdout));
}

#[test]
fn what_a_stream_cannot_do_is_reported() {
    for (streams, wrong) in [
        (
            "[[stream]]\nname = \"a\"\nto = \"stdout\"",
            "requires `directory` of [streams]",
        ),
        (
            "[streams]\ndirectory = \"s\"",
            "no effect without [[stream]]",
        ),
        (
            "[streams]\ndirectory = \"s\"\n[[stream]]\nname = \"a\"\nto = \"file\"",
            "requires `path`",
        ),
        (
            "[streams]\ndirectory = \"s\"\n[[stream]]\nname = \"../a\"\nto = \"stdout\"",
            "only letters",
        ),
        (
            "[streams]\ndirectory = \"s\"\n[[stream]]\nname = \"a\"\nto = \"stdout\"\nurl = \"udp://a:1\"",
            "`url` has no effect with `to = \"stdout\"`",
        ),
        (
            "[streams]\ndirectory = \"s\"\n[[stream]]\nname = \"a\"\nto = \"syslog\"\nurl = \"udp://a\"",
            "with host and port",
        ),
        (
            "[streams]\ndirectory = \"s\"\n[[stream]]\nname = \"a\"\nto = \"otlp\"\nurl = \"http://example.com/v1/logs\"",
            "must begin with https://",
        ),
    ] {
        let found = errors(streams);
        assert!(
            found.len() == 1 && found[0].contains(wrong),
            "{wrong}: {found:?}"
        );
    }
    let stream = "[[stream]]\nname = \"a\"\nto = \"stdout\"\n";
    let twice = errors(&format!("[streams]\ndirectory = \"s\"\n{stream}{stream}"));
    assert!(twice[0].contains("two streams with the name"), "{twice:?}");
}

//! Streams and traces.

use std::fmt::{self, Formatter};

use super::shown::Shown;
use crate::config::choices::{DESTINATION, QUERY_TEXTS, TEXTS, WITHOUT_PARENT};
use crate::config::keys::{STREAM, STREAMS, TRACES};
use crate::config::stream::{DestinationKind, StreamFiles};
use crate::config::units::size_text;
use crate::config::{ConfiguredStreams, ConfiguredTraces};
use crate::streams::{Destination, StreamSettings, SyslogTarget};

pub(super) fn streams(f: &mut Formatter<'_>, configured: &ConfiguredStreams) -> fmt::Result {
    let settings = &configured.settings;
    let mut shown = Shown::begin(f, &STREAMS)?;
    shown.string("directory", settings.directory.display())?;
    shown.string("limit", size_text(settings.limit))?;
    shown.string("texts", TEXTS.name(settings.texts))?;
    shown.finish()?;
    let mut streams = settings.streams.iter().zip(&configured.files);
    streams.try_for_each(|(settings, files)| stream(f, settings, files))
}

fn stream(f: &mut Formatter<'_>, settings: &StreamSettings, files: &StreamFiles) -> fmt::Result {
    let mut shown = Shown::begin(f, &STREAM)?;
    shown.string("name", &settings.name)?;
    let kind = DestinationKind::of(&settings.to);
    shown.string("to", DESTINATION.name(kind))?;
    match &settings.to {
        Destination::File(path) => {
            shown.string("path", path.display())?;
            shown.omit(&["url"]);
        }
        Destination::Stdout => shown.omit(&["path", "url"]),
        Destination::Syslog(target) => {
            shown.omit(&["path"]);
            shown.string("url", url(target))?;
        }
        Destination::Otlp(target) => {
            shown.omit(&["path"]);
            shown.string("url", &target.url)?;
        }
    }
    for (key, file) in [("token_file", &files.token), ("ca", &files.ca)] {
        match file {
            Some(path) => shown.string(key, path.display())?,
            None => shown.omit(&[key]),
        }
    }
    shown.finish()
}

pub(super) fn traces(f: &mut Formatter<'_>, configured: &ConfiguredTraces) -> fmt::Result {
    let settings = &configured.settings;
    let mut shown = Shown::begin(f, &TRACES)?;
    shown.string("url", &settings.url)?;
    for (key, file) in [
        ("token_file", &configured.token_file),
        ("ca", &configured.ca),
    ] {
        match file {
            Some(path) => shown.string(key, path.display())?,
            None => shown.absent(key)?,
        }
    }
    shown.string("texts", QUERY_TEXTS.name(settings.texts))?;
    let without_parent = WITHOUT_PARENT.name(settings.without_parent);
    shown.string("without_parent", without_parent)?;
    shown.finish()
}

fn url(target: &SyslogTarget) -> String {
    match target {
        SyslogTarget::Udp(address) => format!("udp://{address}"),
        SyslogTarget::Tcp(address) => format!("tcp://{address}"),
        SyslogTarget::Tls { address, .. } => format!("tls://{address}"),
        SyslogTarget::Unix(path) => format!("unix://{}", path.display()),
    }
}

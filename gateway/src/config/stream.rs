//! `[streams]` and `[[stream]]`.

use std::path::PathBuf;

use openidconnect::url::Url;
use secrecy::SecretString;

use super::choices::{DESTINATION, TEXTS};
use super::files;
use super::section::{At, Section};
use crate::identity::is_secure_url;
use crate::recording::RecordSettings;
use crate::streams::{Destination, OtlpTarget, StreamSettings, StreamsSettings, SyslogTarget};
use crate::upstream::Roots;

/// Where events wait, in the directory of the record.
const IN_RECORD: &str = "streams";

/// Where a stream goes, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DestinationKind {
    File,
    Stdout,
    Syslog,
    Otlp,
}

impl DestinationKind {
    pub(super) fn of(destination: &Destination) -> Self {
        match destination {
            Destination::File(_) => Self::File,
            Destination::Stdout => Self::Stdout,
            Destination::Syslog(_) => Self::Syslog,
            Destination::Otlp(_) => Self::Otlp,
        }
    }

    /// The keys that a stream to there has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::File => &["path"],
            Self::Stdout => &[],
            Self::Syslog => &["url", "ca"],
            Self::Otlp => &["url", "token_file", "ca"],
        }
    }
}

/// The streams, and the files that their settings were read from.
#[derive(Clone, Debug)]
pub struct ConfiguredStreams {
    pub settings: StreamsSettings,
    /// By the order of the streams.
    pub(super) files: Vec<StreamFiles>,
}

#[derive(Clone, Debug)]
pub(super) struct StreamFiles {
    pub token: Option<PathBuf>,
    pub ca: Option<PathBuf>,
}

/// `None`: there are no streams.
pub(super) fn streams(
    root: &Section<'_, '_>,
    record: Option<&RecordSettings>,
) -> Option<ConfiguredStreams> {
    let is_given = root.has("streams");
    let section = root.section_or_defaults("streams");
    let directory = section.path("directory").map(|path| path.value);
    let directory = directory.or_else(|| Some(record?.directory.join(IN_RECORD)));
    let limit = section.size("limit");
    let texts = section.choice("texts", &TEXTS);
    let mut streams: Vec<(StreamSettings, StreamFiles)> = Vec::new();
    for one in root.sections("stream") {
        let read = stream(&one);
        if let Some((settings, files)) = read {
            let name = &settings.name;
            if streams.iter().any(|(other, _)| other.name == *name) {
                one.error_here(format!("there are two streams with the name \"{name}\""));
            }
            streams.push((settings, files));
        }
        one.finish();
    }
    if is_given && !root.has("stream") {
        section.error_here("[streams] has no effect without [[stream]]");
    }
    if root.has("stream") && directory.is_none() {
        root.error_here(
            "[[stream]] requires `directory` of [streams], or [record]: events wait there",
        );
    }
    section.finish();
    if streams.is_empty() {
        return None;
    }
    let (streams, files) = streams.into_iter().unzip();
    Some(ConfiguredStreams {
        settings: StreamsSettings {
            directory: directory?,
            limit: limit.map_or(0, |size| size as u64),
            texts: texts.unwrap_or_default(),
            streams,
        },
        files,
    })
}

fn stream(section: &Section<'_, '_>) -> Option<(StreamSettings, StreamFiles)> {
    let name = section.required_string("name");
    section.require("to");
    let kind = section.choice("to", &DESTINATION);
    let path = section.path("path");
    let url = section.string("url");
    let token_file = section.path("token_file");
    let ca = section.path("ca");
    if let Some(name) = &name
        && !name
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    {
        section.error(
            name.at,
            "`name` must have only letters, digits, `-` and `_`",
        );
    }
    let kind = kind?;
    for key in ["path", "url", "token_file", "ca"] {
        if section.has(key) && !kind.keys().contains(&key) {
            let to = DESTINATION.name(kind);
            section.error_here(format!("`{key}` has no effect with `to = \"{to}\"`"));
        }
    }
    for key in ["path", "url"] {
        if kind.keys().contains(&key) {
            section.require(key);
        }
    }
    let files = StreamFiles {
        token: token_file.as_ref().map(|path| path.value.clone()),
        ca: ca.as_ref().map(|path| path.value.clone()),
    };
    let to = match kind {
        DestinationKind::File => Destination::File(path?.value),
        DestinationKind::Stdout => Destination::Stdout,
        DestinationKind::Syslog => Destination::Syslog(syslog(section, &url?, ca)?),
        DestinationKind::Otlp => Destination::Otlp(otlp(section, &url?, token_file, ca)?),
    };
    let name = name?.value;
    Some((StreamSettings { name, to }, files))
}

fn syslog(
    section: &Section<'_, '_>,
    url: &At<String>,
    ca: Option<At<PathBuf>>,
) -> Option<SyslogTarget> {
    let (scheme, place) = url.value.split_once("://").unwrap_or_default();
    let has_port = place
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if ca.is_some() && scheme != "tls" {
        section.error_here("`ca` has no effect without `tls://`");
    }
    let address = place.to_owned();
    match (scheme, has_port) {
        ("udp", true) => Some(SyslogTarget::Udp(address)),
        ("tcp", true) => Some(SyslogTarget::Tcp(address)),
        ("tls", true) => Some(SyslogTarget::Tls {
            address,
            roots: ca.map_or(Roots::System, |ca| Roots::File(ca.value)),
        }),
        ("unix", _) if place.starts_with('/') => Some(SyslogTarget::Unix(address.into())),
        _ => {
            section.error(
                url.at,
                "the URL must be udp://, tcp:// or tls:// with host and port, or unix:// with an absolute path",
            );
            None
        }
    }
}

fn otlp(
    section: &Section<'_, '_>,
    url: &At<String>,
    token: Option<At<PathBuf>>,
    ca: Option<At<PathBuf>>,
) -> Option<OtlpTarget> {
    Some(OtlpTarget {
        url: collector(section, url)?,
        token: token.and_then(|path| token_of(section, &path)),
        ca_pem: ca.and_then(|ca| files::certificates(section, &ca)),
    })
}

/// The URL of an endpoint for OTLP over HTTP.
pub(super) fn collector(section: &Section<'_, '_>, url: &At<String>) -> Option<Url> {
    let parsed = Url::parse(&url.value).ok();
    let parsed = parsed.filter(|_| is_secure_url(&url.value));
    if parsed.is_none() {
        let why = "the URL must begin with https://, or with http:// on a loopback address";
        section.error(url.at, why);
    }
    parsed
}

/// A token that stands in a header.
pub(super) fn token_of(section: &Section<'_, '_>, path: &At<PathBuf>) -> Option<SecretString> {
    let token = files::text(section, path)?;
    let is_token = !token.value.is_empty() && token.value.chars().all(|c| c.is_ascii_graphic());
    if !is_token {
        section.error(token.at, "the file has no token");
    }
    is_token.then(|| SecretString::from(token.value))
}

//! `[traces]`.

use std::path::PathBuf;

use super::choices::{QUERY_TEXTS, WITHOUT_PARENT};
use super::files;
use super::section::Section;
use super::stream::{collector, token_of};
use crate::traces::TracesSettings;

/// Where spans go, and the files that the settings were read from.
#[derive(Clone, Debug)]
pub struct ConfiguredTraces {
    pub settings: TracesSettings,
    pub(super) token_file: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
}

pub(super) fn traces(root: &Section<'_, '_>) -> Option<ConfiguredTraces> {
    let section = root.section("traces")?;
    let url = section.required_string("url");
    let token_file = section.path("token_file");
    let ca = section.path("ca");
    let texts = section.choice("texts", &QUERY_TEXTS);
    let without_parent = section.choice("without_parent", &WITHOUT_PARENT);
    let url = url.and_then(|url| collector(&section, &url));
    let token = token_file
        .as_ref()
        .and_then(|path| token_of(&section, path));
    let ca_pem = ca.as_ref().and_then(|ca| files::certificates(&section, ca));
    section.finish();
    Some(ConfiguredTraces {
        settings: TracesSettings {
            url: url?,
            token,
            ca_pem,
            texts: texts.unwrap_or_default(),
            without_parent: without_parent.unwrap_or_default(),
        },
        token_file: token_file.map(|path| path.value),
        ca: ca.map(|path| path.value),
    })
}

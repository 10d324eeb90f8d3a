//! The files that a configuration names, and the passwords in some of them.

use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::command;
use super::section::{At, Section};
use crate::identity::ClientCertificates;
use crate::listener;
use crate::upstream::{Credential, password_file};

type PathAt = At<std::path::PathBuf>;

/// Reads a certificate chain and key as the listener does; they must belong together.
pub(super) fn server_config(
    section: &Section<'_, '_>,
    certificate: &PathAt,
    key: &PathAt,
    clients: &ClientCertificates,
) -> Option<Arc<ServerConfig>> {
    let chain_read = read_certificates(section, certificate).is_some();
    let key_read = read_file(section, key).is_some_and(|bytes| {
        let found = PrivateKeyDer::from_pem_slice(&bytes).is_ok();
        if !found {
            let path = key.value.display();
            section.error(
                key.at,
                format!("{path} contains no PEM private key (PKCS#8, PKCS#1 or SEC 1)"),
            );
        }
        found
    });
    if !(chain_read && key_read) {
        return None;
    }
    listener::server_config(&certificate.value, &key.value, clients.verifier())
        .map_err(|error| section.error(key.at, error.to_string()))
        .ok()
}

/// A PEM file with at least one certificate; gives its bytes.
pub(super) fn certificates(section: &Section<'_, '_>, path: &PathAt) -> Option<Vec<u8>> {
    read_certificates(section, path)?;
    std::fs::read(&path.value).ok()
}

fn read_certificates(
    section: &Section<'_, '_>,
    path: &PathAt,
) -> Option<Vec<CertificateDer<'static>>> {
    let bytes = read_file(section, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Some(chain),
        _ => {
            let shown = path.value.display();
            section.error(path.at, format!("{shown} contains no PEM certificate"));
            None
        }
    }
}

fn read_file(section: &Section<'_, '_>, path: &PathAt) -> Option<Vec<u8>> {
    std::fs::read(&path.value)
        .map_err(|error| {
            let shown = path.value.display();
            section.error(path.at, format!("{shown} cannot be read: {error}"));
        })
        .ok()
}

/// A text in a file. One trailing line break is ignored.
pub(super) fn text(section: &Section<'_, '_>, path: &PathAt) -> Option<At<String>> {
    let bytes = read_file(section, path)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.contains(char::is_control) {
        let shown = path.value.display();
        let why = format!("{shown} must contain one line of text");
        section.error(path.at, why);
        return None;
    }
    Some(At {
        value: text.to_owned(),
        at: path.at,
    })
}

pub(super) fn check_directory(section: &Section<'_, '_>, path: &PathAt) -> bool {
    let shown = path.value.display();
    match std::fs::read_dir(&path.value) {
        Ok(_) => true,
        Err(error) => {
            section.error(
                path.at,
                format!("the directory {shown} cannot be read: {error}"),
            );
            false
        }
    }
}

/// Reads one of `password`, `password_file`, `password_env` and `password_command`, or none.
pub(super) fn credential(section: &Section<'_, '_>) -> Credential {
    let inline = section.read("password", |value| {
        let text = value.as_str().filter(|text| !text.is_empty());
        text.map(|text| Credential::Inline(text.into()))
            .ok_or_else(|| "a string in quotes".into())
    });
    let file = section.path("password_file").map(|path| {
        if let Err(error) = password_file(&path.value) {
            section.error(path.at, error.to_string());
        }
        At {
            value: Credential::File(path.value),
            at: path.at,
        }
    });
    let variable = section
        .string("password_env")
        .and_then(|name| environment(section, name));
    let command = command::credential(section);
    let keys = [
        "password",
        "password_file",
        "password_env",
        "password_command",
    ];
    let given = keys.into_iter().filter(|key| section.has(key)).count();
    if given > 1 {
        section.error_here(format!(
            "only one of {} can be set, not {given}",
            keys.join(", ")
        ));
    }
    inline
        .or(file)
        .or(variable)
        .or(command)
        .map(|at| at.value)
        .unwrap_or_default()
}

fn environment(section: &Section<'_, '_>, name: At<String>) -> Option<At<Credential>> {
    match std::env::var(&name.value) {
        Ok(value) if !value.is_empty() => Some(At {
            value: Credential::Environment {
                name: name.value,
                value: value.into(),
            },
            at: name.at,
        }),
        _ => {
            let message = format!(
                "the environment variable {} is not set or is empty",
                name.value
            );
            section.error(name.at, message);
            None
        }
    }
}

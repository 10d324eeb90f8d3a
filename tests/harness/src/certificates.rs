//! Certificates for tests and benchmarks, by OpenSSL's command.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::locate;

/// Creates ca.crt, and server.crt with server.key, signed by that CA for localhost.
pub fn certificates(folder: &Path) -> Result<()> {
    let extensions =
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(folder.join("extensions"), extensions)?;
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    openssl(
        folder,
        &[
            &[
                "req",
                "-x509",
                "-days",
                "2",
                "-subj",
                "/CN=Test CA",
                "-keyout",
                "ca.key",
                "-out",
                "ca.crt",
            ],
            &key[..],
        ]
        .concat(),
    )?;
    openssl(
        folder,
        &[
            &[
                "req",
                "-new",
                "-subj",
                "/CN=localhost",
                "-keyout",
                "server.key",
                "-out",
                "server.csr",
            ],
            &key[..],
        ]
        .concat(),
    )?;
    openssl(
        folder,
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            "server.crt",
        ],
    )
}

/// Runs `openssl` in this folder.
pub fn openssl(folder: &Path, arguments: &[&str]) -> Result<()> {
    let program = locate::program("openssl", "openssl")?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()?;
    ensure!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

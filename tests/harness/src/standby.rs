//! A hot standby of a server started by the harness.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};

use crate::free_port;
use crate::postgres::{Postgres, PostgresSettings, as_server_user, await_ready, owned_folder, run};

impl PostgresSettings {
    /// Adds the settings that a primary server needs.
    pub fn followed(self) -> Self {
        self.set("wal_level", "replica")
            .set("max_wal_senders", "4")
            .set("hot_standby", "on")
    }
}

impl Postgres {
    /// Starts a hot standby of this server, which must have been started with [`PostgresSettings::followed`]. It has
    /// the same roles and passwords.
    pub fn standby(&self) -> Result<Postgres> {
        let folder = owned_folder("gatewright-standby-")?;
        let data = folder.path().join("data");
        let mut command = Command::new(self.template.bin.join("pg_basebackup"));
        command
            .args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-X", "stream"])
            .args(["-c", "fast", "--no-sync", "-p"])
            .arg(self.port.to_string())
            .arg("-D")
            .arg(&data)
            .env("PGPASSWORD", &self.password)
            .stdin(Stdio::null());
        let output = as_server_user(&mut command)?.output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!("pg_basebackup failed:\n{told}");
        }
        let port = free_port()?;
        let path = data.join("postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&path)?;
        let sockets = folder.path().display();
        writeln!(text, "port = {port}\nunix_socket_directories = '{sockets}'")?;
        std::fs::write(path, text)?;
        let log = folder.path().join("server.log");
        let mut process = run(&self.template, folder.path(), &log)?;
        ensure!(
            await_ready(&mut process, &log)?,
            "the standby did not start; its log:\n{}",
            std::fs::read_to_string(&log)?
        );
        Ok(Postgres {
            process,
            port,
            password: self.password.clone(),
            log,
            folder,
            template: Arc::clone(&self.template),
        })
    }
}

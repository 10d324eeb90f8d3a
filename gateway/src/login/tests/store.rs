//! Stored logins.

use std::path::Path;

use super::*;

fn login() -> StoredLogin {
    let mut settings = LoginSettings::new("https://id.example.com", "cli");
    settings.client_secret = Some("shh".into());
    settings.scopes = vec!["openid".to_owned(), "groups".to_owned()];
    settings.redirect = "http://localhost:8400/cb".parse().expect("a redirect");
    StoredLogin {
        settings,
        token: "the-token".into(),
        subject: Some("ada".to_owned()),
        obtained_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(2_000),
        refresh_token: Some("the-refresh-token".into()),
    }
}

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("metadata");
    metadata.permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test]
async fn a_stored_login_is_accessible_only_to_its_owner() {
    let directory = Directory::new();
    assert!(
        directory
            .store
            .load(&name("work"))
            .expect("nothing")
            .is_none()
    );
    directory
        .store
        .save(&name("work"), &login())
        .expect("stored");
    assert_eq!(mode(&directory.path("work.json")), 0o600);
    assert_eq!(mode(&directory.path("")), 0o700);
    let loaded = directory
        .store
        .load(&name("work"))
        .expect("read")
        .expect("a login");
    assert_eq!(loaded.token.expose_secret(), "the-token");
    assert_eq!(loaded.expires_at, login().expires_at);
    assert_eq!(loaded.settings.redirect, login().settings.redirect);
    assert_eq!(loaded.settings.scopes, login().settings.scopes);
    assert!(
        !format!("{loaded:?}").contains("the-token"),
        "no secrets in Debug"
    );
    assert!(
        !format!("{loaded:?}").contains("shh"),
        "no secrets in Debug"
    );
    assert!(
        directory
            .store
            .remove(&name("work"))
            .await
            .expect("removed")
    );
    assert!(
        !directory
            .store
            .remove(&name("work"))
            .await
            .expect("nothing")
    );
    assert!(
        directory
            .store
            .load(&name("work"))
            .expect("nothing")
            .is_none()
    );
}

#[tokio::test]
async fn files_that_other_users_can_access_are_not_used() {
    let directory = Directory::new();
    directory
        .store
        .save(&name("work"), &login())
        .expect("stored");
    let file = directory.path("work.json");
    for open in [0o640, 0o604, 0o602, 0o660] {
        set_mode(&file, open);
        let error = directory.store.load(&name("work")).expect_err("exposed");
        assert!(
            matches!(error, LoginError::Exposed { mode, .. } if mode == open),
            "{error}"
        );
    }
    set_mode(&file, 0o600);
    set_mode(&directory.path(""), 0o755);
    assert!(matches!(
        directory.store.load(&name("work")),
        Err(LoginError::Exposed { .. })
    ));
    let kept = directory.store.save(&name("work"), &login());
    assert!(matches!(kept, Err(LoginError::Exposed { .. })));
    set_mode(&directory.path(""), 0o700);
    assert!(
        directory
            .store
            .load(&name("work"))
            .expect("accessible again")
            .is_some()
    );
    // A symbolic link may point to a file of another user.
    std::fs::rename(&file, directory.path("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(directory.path("elsewhere"), &file).expect("a link");
    assert!(matches!(
        directory.store.load(&name("work")),
        Err(LoginError::WrongFileType { .. })
    ));
}

#[tokio::test]
async fn the_error_for_an_invalid_file_names_the_login_command() {
    let directory = Directory::new();
    directory
        .store
        .save(&name("work"), &login())
        .expect("stored");
    std::fs::write(directory.path("work.json"), "{\"token\": 1").expect("written");
    let error = directory.store.load(&name("work")).expect_err("invalid");
    assert!(
        error
            .to_string()
            .contains("run `gatewright login --name work`"),
        "{error}"
    );
}

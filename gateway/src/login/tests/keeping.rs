use std::path::Path;

use super::*;

fn held() -> Held {
    let mut settings = LoginSettings::new("https://id.example.com", "cli");
    settings.client_secret = Some("shh".into());
    settings.scopes = vec!["openid".to_owned(), "groups".to_owned()];
    settings.redirect = "http://localhost:8400/cb".parse().expect("a redirect");
    Held {
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
async fn what_is_kept_comes_back_and_is_its_owners_alone() {
    let folder = Folder::new();
    assert!(folder.store.load(&name("work")).expect("nothing").is_none());
    folder.store.save(&name("work"), &held()).expect("kept");
    assert_eq!(mode(&folder.path("work.json")), 0o600);
    assert_eq!(mode(&folder.path("")), 0o700);
    let back = folder
        .store
        .load(&name("work"))
        .expect("read")
        .expect("a login");
    assert_eq!(back.token.expose_secret(), "the-token");
    assert_eq!(back.expires_at, held().expires_at);
    assert_eq!(back.settings.redirect, held().settings.redirect);
    assert_eq!(back.settings.scopes, held().settings.scopes);
    assert!(
        !format!("{back:?}").contains("the-token"),
        "no secrets in Debug"
    );
    assert!(!format!("{back:?}").contains("shh"), "no secrets in Debug");
    assert!(folder.store.remove(&name("work")).await.expect("removed"));
    assert!(!folder.store.remove(&name("work")).await.expect("nothing"));
    assert!(folder.store.load(&name("work")).expect("nothing").is_none());
}

#[tokio::test]
async fn what_others_can_reach_is_not_used() {
    let folder = Folder::new();
    folder.store.save(&name("work"), &held()).expect("kept");
    let file = folder.path("work.json");
    for open in [0o640, 0o604, 0o602, 0o660] {
        set_mode(&file, open);
        let error = folder.store.load(&name("work")).expect_err("exposed");
        assert!(
            matches!(error, LoginError::Exposed { mode, .. } if mode == open),
            "{error}"
        );
    }
    set_mode(&file, 0o600);
    set_mode(&folder.path(""), 0o755);
    assert!(matches!(
        folder.store.load(&name("work")),
        Err(LoginError::Exposed { .. })
    ));
    let kept = folder.store.save(&name("work"), &held());
    assert!(matches!(kept, Err(LoginError::Exposed { .. })));
    set_mode(&folder.path(""), 0o700);
    assert!(
        folder
            .store
            .load(&name("work"))
            .expect("well again")
            .is_some()
    );
    // A link may lead to what somebody else writes.
    std::fs::rename(&file, folder.path("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(folder.path("elsewhere"), &file).expect("a link");
    assert!(matches!(
        folder.store.load(&name("work")),
        Err(LoginError::Kind { .. })
    ));
}

#[tokio::test]
async fn a_file_that_is_not_understood_says_what_to_do() {
    let folder = Folder::new();
    folder.store.save(&name("work"), &held()).expect("kept");
    std::fs::write(folder.path("work.json"), "{\"token\": 1").expect("spoilt");
    let error = folder.store.load(&name("work")).expect_err("spoilt");
    assert!(
        error
            .to_string()
            .contains("run `gatewright login --name work`"),
        "{error}"
    );
}

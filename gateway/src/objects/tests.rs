use std::path::{Path, PathBuf};

use super::*;

#[test]
fn a_place_is_a_path_or_the_url_of_a_store() {
    let parse = |text| Place::parse(text, Path::new("/etc/gatewright"));
    for (text, shown) in [
        ("checkpoints", "/etc/gatewright/checkpoints"),
        ("/mnt/other", "/mnt/other"),
        ("s3://bucket/of/ours", "s3://bucket/of/ours"),
        ("gs://bucket", "gs://bucket"),
        (
            "abfss://box@account.dfs.core.windows.net/a",
            "abfss://box@account.dfs.core.windows.net/a",
        ),
    ] {
        assert_eq!(parse(text).expect(text).to_string(), shown);
    }
    for text in [
        "https://example.com/checkpoints",
        "https://s3.eu-west-1.amazonaws.com/bucket",
        "memory:///",
        "file:///etc",
        "ftp://example.com",
        "s3://",
    ] {
        assert!(matches!(parse(text), Err(PlaceError::Unknown(_))), "{text}");
    }
    for text in [
        "s3://key:secret@bucket/",
        "s3://key@bucket/",
        "gs://bucket/?token=1",
    ] {
        assert!(matches!(parse(text), Err(PlaceError::Secrets)), "{text}");
    }
}

fn directory(path: &Path) -> Objects {
    let place = Place::Directory(PathBuf::from(path));
    place.create().expect("a directory")
}

#[tokio::test]
async fn what_was_put_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a directory");
    let objects = directory(&folder.path().join("new"));
    let put = async |content: &'static [u8]| {
        let put = objects.put_new("a/one", Bytes::from_static(content)).await;
        put.expect("a place")
    };
    assert_eq!(put(b"first").await, Put::New);
    assert_eq!(put(b"second").await, Put::Exists);
    let read = objects.get("a/one").await.expect("an object");
    assert_eq!(&read[..], b"first");
}

#[tokio::test]
async fn objects_are_listed_by_their_names() {
    let folder = tempfile::tempdir().expect("a directory");
    let objects = directory(folder.path());
    for name in ["b/2", "b/1", "c/3", "b/deeper/0"] {
        let put = objects.put_new(name, Bytes::from_static(b"x")).await;
        assert_eq!(put.expect("a place"), Put::New);
    }
    let listed = objects.list("b").await.expect("a list");
    let names: Vec<_> = listed.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["b/1", "b/2", "b/deeper/0"]);
    assert!(objects.list("d").await.expect("a list").is_empty());
}

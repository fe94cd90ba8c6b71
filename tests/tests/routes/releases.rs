//! Releases: their list, changes and files.

use jobs::{
    ReleaseId,
    release::{ReleaseFields, source_prefix},
};
use serde_json::{Value, json};
use store::EditReleaseOutcome;
use worker::testing::bucket::Bucket;

use crate::{
    common::{ADMIN, Api, FakeWork, Limits, OWNER, STRANGER},
    fields,
};

/// Returns the names of the releases on a page.
fn names(page: &Value) -> Vec<&str> {
    let releases = page["releases"].as_array().unwrap().iter();
    releases.map(|one| one["name"].as_str().unwrap()).collect()
}

/// Returns the keys of all files.
fn files(bucket: &Bucket) -> Vec<String> {
    bucket.below("").into_keys().collect()
}

async fn create(api: &Api, caller: (u64, bool), body: Value) -> u64 {
    let (status, release) = api.send(caller, "POST", "/api/releases", Some(body)).await;
    assert_eq!(status, 201, "{release}");
    release["id"].as_u64().unwrap()
}

/// Creates three releases of the owner's and one of the stranger's, a second apart.
async fn some_releases(api: &Api) {
    for (caller, name, release_type) in [
        (OWNER, "A", "ebook"),
        (OWNER, "B", "Comic"),
        (STRANGER, "C", "EBOOK"),
        (OWNER, "D", "eBook"),
    ] {
        let body = json!({"release_type": release_type, "name": name});
        create(api, caller, body).await;
        api.clock.advance(1);
    }
}

#[tokio::test]
async fn user_lists_their_releases_and_an_admin_those_of_all() {
    let api = Api::new().await;
    some_releases(&api).await;
    for (caller, query, expected) in [
        (OWNER, "", vec!["D", "B", "A"]),
        (ADMIN, "", vec!["D", "C", "B", "A"]),
        (ADMIN, "?user_id=8", vec!["C"]),
        (OWNER, "?user_id=7", vec!["D", "B", "A"]),
        (OWNER, "?release_type=EBOOK", vec!["D", "A"]),
        (
            ADMIN,
            "?release_type=comic,ebook&limit=100",
            vec!["D", "C", "B", "A"],
        ),
        (ADMIN, "?created_after=2030-01-01T00:00:00Z", vec![]),
        (ADMIN, "?created_before=2010-01-01T00:00:00Z", vec![]),
    ] {
        let (status, page) = api.get(caller, &format!("/api/releases{query}")).await;
        assert_eq!((status, names(&page)), (200, expected), "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    assert_eq!(api.get(STRANGER, "/api/releases?user_id=7").await.0, 403);
}

#[tokio::test]
async fn releases_are_listed_page_by_page() {
    let api = Api::new().await;
    some_releases(&api).await;
    for (caller, query, expected) in [
        (OWNER, "?limit=1", vec!["D", "B", "A"]),
        (ADMIN, "?limit=3", vec!["D", "C", "B", "A"]),
        (ADMIN, "?limit=1&release_type=ebook", vec!["D", "C", "A"]),
    ] {
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/releases{query}{cursor}");
            let (status, page) = api.get(caller, &path).await;
            assert_eq!(status, 200, "{page}");
            listed.extend(names(&page).into_iter().map(str::to_owned));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(listed, expected, "{query}");
    }
}

#[tokio::test]
async fn releases_of_one_instant_are_all_listed() {
    let api = Api::new().await;
    for name in ["A", "B", "C"] {
        create(&api, OWNER, json!({"release_type": "ebook", "name": name})).await;
    }
    let (_, first) = api.get(OWNER, "/api/releases?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = api
        .get(OWNER, &format!("/api/releases?limit=2&cursor={cursor}"))
        .await;
    let mut listed = [names(&first), names(&second)].concat();
    listed.sort_unstable();
    assert_eq!(listed, ["A", "B", "C"]);
}

#[tokio::test]
async fn invalid_parameters_of_the_list_are_named() {
    let api = Api::new().await;
    let query =
        "?release_type=an%20ebook&created_after=today&limit=101&user_id=x&cursor=!&order=up";
    let (status, problem) = api.get(OWNER, &format!("/api/releases{query}")).await;
    let expected = ["release_type", "created_after", "user_id", "limit", "order"];
    assert_eq!((status, fields(&problem)), (400, expected.to_vec()));
    some_releases(&api).await;
    let (_, page) = api.get(OWNER, "/api/releases?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("/api/releases?release_type=comic&cursor={cursor}");
    let (status, problem) = api.get(OWNER, &other).await;
    assert_eq!((status, fields(&problem)), (400, vec!["cursor"]));
}

#[tokio::test]
async fn list_shows_the_title_and_the_current_package() {
    let api = Api::new().await;
    let metadata = json!({"title": format!(" {} ", "é".repeat(200))});
    let release = create(
        &api,
        OWNER,
        json!({"release_type": "ebook", "metadata": metadata}),
    )
    .await;
    let job = json!({"job_type": "packaging", "release_id": release});
    let job = api.create(job).await;
    api.process(job, FakeWork::Package(json!({"files": []})))
        .await;
    let (_, page) = api.get(OWNER, "/api/releases").await;
    let entry = &page["releases"][0];
    assert_eq!(entry["title"], "é".repeat(100));
    assert_eq!(entry["package"]["job_id"], job);
    let path = format!("/api/releases/{release}");
    let change = json!({"metadata": {"title": "Salt"}});
    api.send(OWNER, "PATCH", &path, Some(change)).await;
    let (_, page) = api.get(ADMIN, "/api/releases").await;
    assert_eq!(page["releases"][0]["title"], "Salt");
}

#[tokio::test]
async fn change_is_merged_into_the_release() {
    let api = Api::new().await;
    let metadata = json!({"title": "Salt", "year": 2020, "ids": {"a": 1, "b": 2}});
    let body = json!({"release_type": "ebook", "name": "A", "group": "GRP", "metadata": metadata});
    let path = format!("/api/releases/{}", create(&api, OWNER, body).await);
    let change = json!({
        "release_type": "Comic",
        "name": null,
        "metadata": {"year": 2021, "title": null, "ids": {"b": null}, "language": "fr"},
    });
    for caller in [OWNER, ADMIN] {
        let (status, release) = api.send(caller, "PATCH", &path, Some(change.clone())).await;
        assert_eq!(status, 200, "{release}");
        assert_eq!(release["release_type"], "Comic");
        assert_eq!(
            (&release["name"], &release["group"]),
            (&Value::Null, &json!("GRP"))
        );
        let expected = json!({"year": 2021, "ids": {"a": 1}, "language": "fr"});
        assert_eq!(release["metadata"], expected);
        assert_eq!(api.get(OWNER, &path).await.1, release);
    }
    let (status, _) = api.send(STRANGER, "PATCH", &path, Some(change)).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn change_of_nothing_writes_nothing() {
    let api = Api::new().await;
    let body = json!({"release_type": "ebook", "metadata": {"title": "Salt"}});
    let path = format!("/api/releases/{}", create(&api, OWNER, body).await);
    let before = api.get(OWNER, &path).await;
    for change in [
        json!({}),
        json!({"name": null, "metadata": {"title": "Salt"}}),
    ] {
        assert_eq!(api.send(OWNER, "PATCH", &path, Some(change)).await, before);
    }
}

#[tokio::test]
async fn invalid_change_is_refused_and_named() {
    let api = Api::new().await;
    let path = format!("/api/releases/{}", api.create_release().await);
    for (change, field) in [
        (json!({"user_id": 8}), "user_id"),
        (json!({"id": 8}), "id"),
        (json!({"package": null}), "package"),
        (json!({"release_type": null}), "release_type"),
        (json!({"group": "A GROUP"}), "group"),
        (json!({"metadata": {"year": "2020"}}), "metadata.year"),
        (json!({"metadata": 7}), "metadata"),
    ] {
        let (status, problem) = api.send(OWNER, "PATCH", &path, Some(change)).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]));
    }
    let large = json!({"metadata": {"a": "x".repeat(40_000)}});
    assert_eq!(api.send(OWNER, "PATCH", &path, Some(large)).await.0, 200);
    let larger = json!({"metadata": {"b": "x".repeat(40_000)}});
    assert_eq!(api.send(OWNER, "PATCH", &path, Some(larger)).await.0, 413);
}

#[tokio::test]
async fn change_does_not_overwrite_metadata_that_changed_meanwhile() {
    let api = Api::new().await;
    let id = api.create_release().await;
    let id = ReleaseId::try_from(id).unwrap();
    let seen = api.store.release(id).await.unwrap().unwrap();
    let titled = |title: &str| ReleaseFields {
        metadata: json!({"title": title}).as_object().unwrap().clone(),
        ..ReleaseFields::from(&seen)
    };
    let edit = async |fields: &ReleaseFields| api.store.edit_release(&seen, fields).await.unwrap();
    assert!(matches!(
        edit(&titled("A")).await,
        EditReleaseOutcome::Edited(_)
    ));
    // The SDK repeats a write whose answer was lost.
    assert!(matches!(
        edit(&titled("A")).await,
        EditReleaseOutcome::Edited(_)
    ));
    assert!(matches!(
        edit(&titled("B")).await,
        EditReleaseOutcome::Changed
    ));
    // Other fields are replaced as a whole, so they need not be as seen.
    let renamed = ReleaseFields {
        name: Some("Name".to_owned()),
        ..ReleaseFields::from(&seen)
    };
    let EditReleaseOutcome::Edited(release) = edit(&renamed).await else {
        panic!("not renamed");
    };
    assert_eq!(release.metadata["title"], "A");
}

#[tokio::test]
async fn source_file_is_deleted_once_and_again() {
    let bucket = Bucket::default();
    let api = Api::with_limits(Limits::default(), &bucket).await;
    let id = api.create_release().await;
    let prefix = source_prefix(ReleaseId::try_from(id).unwrap());
    bucket.put(&format!("{prefix}cd 1/a.txt"), *b"a");
    bucket.put(&format!("{prefix}b.txt"), *b"b");
    let path = format!("/api/releases/{id}/files");
    let delete = async |caller, query: &str| {
        api.send(caller, "DELETE", &format!("{path}{query}"), None)
            .await
    };
    let one = "?path=source/cd%201/a.txt";
    assert_eq!(delete(STRANGER, one).await.0, 403);
    for _ in 0..2 {
        assert_eq!(delete(OWNER, one).await, (204, json!("")));
        assert_eq!(files(&bucket), [format!("{prefix}b.txt")]);
    }
    for query in [
        "",
        "?path=b.txt",
        "?path=package/b.txt",
        "?path=source/../b.txt",
        "?path=source/",
        "?path=source/b.txt&path=source/c.txt",
    ] {
        let (status, problem) = delete(OWNER, query).await;
        assert_eq!((status, fields(&problem)), (400, vec!["path"]), "{query}");
    }
    assert_eq!(files(&bucket).len(), 1);
}

#[tokio::test]
async fn caller_is_told_what_the_token_says() {
    let api = Api::new().await;
    for (caller, admin) in [(OWNER, false), (ADMIN, true)] {
        let (status, me) = api.get(caller, "/api/me").await;
        let expected = json!({
            "user_id": caller.0,
            "admin": admin,
            "expires_at": "2026-11-23T11:05:00.000Z",
        });
        assert_eq!((status, me), (200, expected));
    }
}

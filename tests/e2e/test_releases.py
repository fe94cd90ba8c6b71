"""Releases and their files."""

import random
import unittest

from support import ADMIN, OWNER, RELEASE_ROUTES, STRANGER, Case, fetch, someone, upload

RELEASE = {"id", "user_id", "release_type", "name", "group", "metadata", "package", "created_at"}


class Releases(Case):
    def test_a_release_is_created_and_read(self):
        given = {"release_type": "ebook", "name": "A Name", "group": "GRP", "metadata": {"title": "É", "year": 2026}}
        answer = OWNER.post("/api/releases", given)
        release = answer.body
        self.assertEqual((answer.status, answer.headers["location"]), (201, f"/api/releases/{release['id']}"))
        self.assertLessEqual(RELEASE, set(release))
        self.assertEqual({name: release[name] for name in given}, given)
        self.assertEqual((release["user_id"], release["package"]), (OWNER.id, None))
        for user in (OWNER, ADMIN):
            read = user.get(f"/api/releases/{release['id']}")
            self.assertEqual((read.status, read.body), (200, release))

    def test_an_id_of_the_web_applications_own_is_kept_and_taken_once(self):
        id = random.randrange(10**6, 10**12)
        given = {"id": id, "release_type": "ebook", "name": "First"}
        self.assertEqual(OWNER.post("/api/releases", given).body["id"], id)
        for user in (OWNER, STRANGER, ADMIN):
            self.refused(user.post("/api/releases", given | {"name": "Second"}), 409, "release-id-taken")
        self.assertEqual(OWNER.get(f"/api/releases/{id}").body["name"], "First")

    def test_only_an_admin_creates_a_release_for_another(self):
        given = {"release_type": "ebook", "user_id": OWNER.id}
        self.refused(STRANGER.post("/api/releases", given), 403, "forbidden")
        self.assertEqual(OWNER.post("/api/releases", given).body["user_id"], OWNER.id)
        release = ADMIN.post("/api/releases", given).body
        self.assertEqual(release["user_id"], OWNER.id)
        self.assertEqual(OWNER.get(f"/api/releases/{release['id']}").status, 200)
        self.refused(STRANGER.get(f"/api/releases/{release['id']}"), 403, "forbidden")

    def test_every_route_is_closed_to_a_stranger_and_open_to_an_admin(self):
        release = OWNER.release()
        for route in RELEASE_ROUTES:
            with self.subTest(route):
                self.refused(STRANGER.ask(route, release), 403, "forbidden")
                self.assertIn(ADMIN.ask(route, release).status, (200, 201))

    def test_every_field_at_fault_is_named(self):
        wrong = {
            "id": (0, "5", 2**53), "release_type": (None, "", "E Book", 5), "name": ("", "a\nb", "x" * 201, 5),
            "group": ("", "two words", "x" * 33), "metadata": ([], "x"), "user_id": (0, "7"),
        }
        for field, values in wrong.items():
            for value in values:
                with self.subTest(field, value=value):
                    answer = OWNER.post("/api/releases", {"release_type": "ebook"} | {field: value})
                    self.refused(answer, 400, "invalid-request", field)

    def test_metadata_have_their_limit(self):
        answer = OWNER.post("/api/releases", {"release_type": "ebook", "metadata": {"x": "y" * 65_536}})
        self.refused(answer, 413, "too-large")


class Files(Case):
    def add(self, release, path="a.txt", size=3):
        return OWNER.post(f"/api/releases/{release}/files", {"path": path, "size": size})

    def test_a_file_is_uploaded_listed_and_downloaded(self):
        release = OWNER.release()
        added = self.add(release, "cd 1/été & more.txt")
        self.assertEqual(added.status, 201)
        self.assertEqual((added.body["path"], set(added.body["upload"])),
                         ("cd 1/été & more.txt", {"method", "url", "headers", "expires_at"}))
        self.assertEqual(added.body["upload"]["method"], "PUT")
        self.assertEqual(OWNER.get(f"/api/releases/{release}/files").body, {"files": []})
        self.assertEqual(upload(added.body["upload"], b"abc").status, 200)
        for user in (OWNER, ADMIN):
            [file] = user.get(f"/api/releases/{release}/files").body["files"]
            self.assertEqual(set(file), {"path", "size", "last_modified", "url"})
            self.assertEqual((file["path"], file["size"]), ("source/cd 1/été & more.txt", 3))
            self.assertEqual(fetch(file["url"]).body, b"abc")

    def test_another_size_than_the_one_announced_is_refused(self):
        release = OWNER.release()
        for data in (b"four", b"ab", b""):
            self.assertEqual(upload(self.add(release).body["upload"], data).status, 403, data)
        self.assertEqual(OWNER.get(f"/api/releases/{release}/files").body["files"], [])

    def test_an_upload_is_good_for_its_own_path(self):
        release = OWNER.release()
        given = self.add(release).body["upload"]
        elsewhere = given | {"url": given["url"].replace("a.txt", "b.txt")}
        self.assertEqual(upload(elsewhere, b"abc").status, 403)
        unsigned = given | {"url": given["url"].split("?")[0]}
        self.assertEqual(upload(unsigned, b"abc").status, 403)

    def test_an_empty_file_is_a_file(self):
        release = OWNER.release({"empty.txt": b""})
        self.assertEqual(OWNER.files(release, "source/"), {"empty.txt": b""})

    def test_a_path_stays_below_its_release(self):
        release = OWNER.release()
        for path in ("", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\nb", "x" * 513, 5, None):
            with self.subTest(path=path):
                self.refused(self.add(release, path), 400, "invalid-request", "path")

    def test_a_size_is_within_what_one_upload_takes(self):
        release = OWNER.release()
        for size in (-1, 5 * 1024**3 + 1, "3", 1.5, None):
            with self.subTest(size=size):
                self.refused(self.add(release, size=size), 400, "invalid-request", "size")
        self.assertEqual(self.add(release, size=5 * 1024**3).status, 201)

    def test_a_file_is_replaced_by_an_upload_of_the_same_path(self):
        release = OWNER.release({"a.txt": b"old"})
        self.assertEqual(upload(self.add(release).body["upload"], b"new").status, 200)
        self.assertEqual(OWNER.files(release, "source/"), {"a.txt": b"new"})

    def test_source_and_current_package_are_listed_and_nothing_else(self):
        user = someone()
        release = user.release({"a.txt": b"abc"})
        jobs = [user.run(job_type="packaging", release_id=release) for _ in range(2)]
        package = user.get(f"/api/releases/{release}").body["package"]
        self.assertEqual((package["job_id"], package["version"]), (jobs[1]["id"], 2))
        paths = [file["path"] for file in user.get(f"/api/releases/{release}/files").body["files"]]
        expected = {"source/a.txt"} | {f"package/{file['path']}" for file in jobs[1]["result"]["files"]}
        self.assertEqual((set(paths), len(paths)), (expected, len(expected)))


if __name__ == "__main__":
    unittest.main(verbosity=2)

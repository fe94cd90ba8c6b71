"""Lists of jobs: whose, which, in what order, page by page."""

import unittest

from support import ADMIN, OWNER, STRANGER, Case, eventually, someone

SUMMARY = {
    "id", "release_id", "status", "job_type", "progress", "created_at", "created_by", "started_at", "finished_at",
    "error",
}


def ids(user, path="/api/jobs"):
    answer = user.get(path)
    assert answer.status == 200, answer
    return [job["id"] for job in answer.body["jobs"]]


def walk(user, query=""):
    """The ids of all pages, one list a page."""
    pages, cursor = [], ""
    while True:
        page = user.get(f"/api/jobs?{query}{cursor}").body
        pages.append([job["id"] for job in page["jobs"]])
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


class Lists(Case):
    @classmethod
    def setUpClass(cls):
        """A user with a job of each of a few kinds, which only read."""
        cls.user = someone()
        cls.release = cls.user.release({"notes.txt": b"Hello\r\n"})
        cls.completed = cls.user.run(job_type="analysis", release_id=cls.release)["id"]
        cls.failed = cls.user.run(job_type="nfofix")["id"]
        cls.draft = cls.user.draft(job_type="readnfo", release_id=cls.release)
        cls.cancelled = cls.user.draft()
        assert cls.user.put(f"/api/jobs/{cls.cancelled}/cancel").status == 200
        cls.all = [cls.cancelled, cls.draft, cls.failed, cls.completed]

    def test_a_user_sees_their_own_jobs_newest_first(self):
        self.assertEqual(ids(self.user), self.all)
        self.assertEqual(ids(someone()), [])

    def test_a_summary_has_what_a_table_shows(self):
        page = self.user.get("/api/jobs").body
        self.assertEqual(set(page), {"jobs", "next_cursor"})
        for job in page["jobs"]:
            self.assertEqual(set(job), SUMMARY)
            details = self.user.get(f"/api/jobs/{job['id']}").body
            self.assertEqual(job, {name: details[name] for name in SUMMARY})
        self.assertEqual(page["jobs"][2]["error"]["code"], "release_missing")

    def test_filters_are_combined(self):
        found = {
            "status=draft": [self.draft],
            "status=failed,completed": [self.failed, self.completed],
            "status=failed&status=cancelled": [self.cancelled, self.failed],
            "job_type=analysis,nfofix": [self.failed, self.completed],
            "job_type=analysis&job_type=readnfo": [self.draft, self.completed],
            f"release_id={self.release}": [self.draft, self.completed],
            f"release_id={self.release}&status=completed": [self.completed],
            "status=failed&job_type=analysis": [],
            "status=running": [],
            f"user_id={self.user.id}&status=draft": [self.draft],
        }
        for query, expected in found.items():
            with self.subTest(query):
                self.assertEqual(ids(self.user, f"/api/jobs?{query}"), expected)

    def test_times_include_their_first_and_not_their_last(self):
        at = self.user.get(f"/api/jobs/{self.failed}").body["created_at"]
        self.assertEqual(ids(self.user, f"/api/jobs?created_after={at}"), self.all[:3])
        self.assertEqual(ids(self.user, f"/api/jobs?created_before={at}"), self.all[3:])
        self.assertEqual(ids(self.user, f"/api/jobs?created_after={at}&created_before={at}"), [])

    def test_an_admin_sees_everyones_jobs(self):
        at = self.user.get(f"/api/jobs/{self.completed}").body["created_at"]

        def all_seen():
            seen = sum(walk(ADMIN, f"limit=100&created_after={at}"), [])
            return [id for id in seen if id in self.all] == self.all and seen == sorted(seen, reverse=True)

        eventually(all_seen, "the jobs in everyone's list", 10)
        self.assertEqual(ids(ADMIN, f"/api/jobs?user_id={self.user.id}"), self.all)
        self.assertEqual(ids(ADMIN, f"/api/jobs?user_id={self.user.id}&status=failed"), [self.failed])

    def test_a_releases_jobs_are_listed_for_its_owner_and_an_admin(self):
        path = f"/api/releases/{self.release}/jobs"
        for user in (self.user, ADMIN):
            self.assertEqual(ids(user, path), [self.draft, self.completed])
            self.assertEqual(ids(user, f"{path}?status=draft"), [self.draft])
        self.refused(STRANGER.get(path), 403, "forbidden")

    def test_an_admins_job_is_among_the_releases(self):
        release = OWNER.release()
        job = ADMIN.draft(release_id=release)
        path = f"/api/releases/{release}/jobs"
        self.assertEqual(ids(OWNER, path), [job])
        self.assertEqual(ids(OWNER, f"{path}?user_id={ADMIN.id}"), [job])
        self.assertEqual(ids(OWNER, f"{path}?user_id={OWNER.id}"), [])


class Pages(unittest.TestCase):
    def test_every_page_is_full_but_the_last(self):
        user = someone()
        jobs = [user.draft() for _ in range(7)]
        pages = walk(user, "limit=3")
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(sum(pages, []), jobs[::-1])

    def test_a_last_page_that_is_full_has_no_cursor(self):
        user = someone()
        jobs = [user.draft() for _ in range(4)]
        self.assertEqual(walk(user, "limit=2"), [jobs[:1:-1], jobs[1::-1]])

    def test_a_page_holds_matches_only(self):
        user = someone()
        jobs = [user.draft(job_type=kind) for kind in ("nfofix", "repack", "repack", "nfofix", "repack")]
        self.assertEqual(walk(user, "limit=1&job_type=nfofix"), [[jobs[3]], [jobs[0]]])

    def test_a_walk_is_not_disturbed_by_what_is_created_meanwhile(self):
        user = someone()
        jobs = [user.draft() for _ in range(4)]
        first = user.get("/api/jobs?limit=2").body
        user.draft()
        rest = user.get(f"/api/jobs?limit=2&cursor={first['next_cursor']}").body
        self.assertEqual([job["id"] for job in first["jobs"] + rest["jobs"]], jobs[::-1])
        self.assertIsNone(rest["next_cursor"])

    def test_fifty_jobs_make_a_page(self):
        user = someone()
        for _ in range(51):
            user.draft()
        self.assertEqual([len(page) for page in walk(user)], [50, 1])
        self.assertEqual([len(page) for page in walk(user, "limit=100")], [51])


if __name__ == "__main__":
    unittest.main(verbosity=2)

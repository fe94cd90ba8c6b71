"""The log of a job: as it grows, page by page, and as text."""

import os
import unittest

from support import ADMIN, OWNER, STRANGER, Case, eventually, someone

LINE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[(DEBUG|INFO|WARNING|ERROR)\] .+$"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def walk(user, job, query):
    """The pages of a log as it stands."""
    pages, after = [], ""
    while True:
        page = user.get(f"/api/jobs/{job}/logs?{query}{after}").body
        pages.append(page)
        if page["finished"]:
            return pages
        after = f"&after={page['next_cursor']}"


class Logs(Case):
    @classmethod
    def setUpClass(cls):
        """A completed packaging job, which has many lines, and a failed one, which has an error."""
        files = {f"{number}.txt": b"Hello\r\n" for number in range(5)}
        cls.job = OWNER.run(job_type="packaging", release_id=OWNER.release(files))["id"]
        cls.failed = OWNER.run(job_type="analysis", release_id=OWNER.release(), config_json={"path": "none.txt"})["id"]
        cls.path = f"/api/jobs/{cls.job}/logs"
        cls.page = OWNER.get(cls.path).body

    def test_a_page_has_entries_oldest_first(self):
        page = self.page
        self.assertEqual(set(page), {"job_id", "status", "logs", "next_cursor", "finished"})
        self.assertEqual((page["job_id"], page["status"], page["finished"]), (self.job, "completed", True))
        self.assertIsInstance(page["next_cursor"], str)
        self.assertEqual([entry["seq"] for entry in page["logs"]], list(range(1, len(page["logs"]) + 1)))
        times = [entry["timestamp"] for entry in page["logs"]]
        self.assertEqual(times, sorted(times))
        for entry in page["logs"]:
            self.assertEqual(set(entry), {"seq", "timestamp", "level", "message", "step"})
        self.assertLessEqual({None, "nfo", "diz", "sfv"}, {entry["step"] for entry in page["logs"]})
        self.assertIn("started", page["logs"][0]["message"])
        self.assertEqual(page["logs"][-1]["message"], "Job completed")

    def test_owner_admin_and_wizard_read_the_same_log(self):
        for user in (OWNER, ADMIN):
            for path in (self.path, f"/api/wizard/jobs/{self.job}/logs"):
                self.assertEqual(user.get(path).body, self.page)
        self.refused(STRANGER.get(self.path), 403, "forbidden")

    def test_pages_have_every_line_once(self):
        for limit in (1, 2, 1000):
            pages = walk(OWNER, self.job, f"limit={limit}")
            self.assertEqual(sum((page["logs"] for page in pages), []), self.page["logs"])
            self.assertTrue(all(len(page["logs"]) <= limit for page in pages))

    def test_behind_the_end_there_is_nothing(self):
        page = OWNER.get(f"{self.path}?after={self.page['next_cursor']}").body
        self.assertEqual((page["logs"], page["finished"]), ([], True))
        self.assertEqual(page["next_cursor"], self.page["next_cursor"])

    def test_since_gives_what_is_of_that_time_or_later(self):
        for entry in self.page["logs"]:
            expected = [each for each in self.page["logs"] if each["timestamp"] >= entry["timestamp"]]
            self.assertEqual(OWNER.get(f"{self.path}?since={entry['timestamp']}").body["logs"], expected)

    def test_a_level_gives_that_level_and_above(self):
        path = f"/api/jobs/{self.failed}/logs"
        everything = OWNER.get(path).body["logs"]
        self.assertLessEqual({"INFO", "ERROR"}, {entry["level"] for entry in everything})
        for at, level in enumerate(LEVELS):
            expected = [entry for entry in everything if entry["level"] in LEVELS[at:]]
            page = OWNER.get(f"{path}?level={level}").body
            self.assertEqual((page["logs"], page["finished"]), (expected, True))
        # A page whose lines are all of another level is empty, and leads on all the same.
        pages = walk(OWNER, self.failed, "level=ERROR&limit=1")
        self.assertEqual(sum((page["logs"] for page in pages), []), OWNER.get(f"{path}?level=ERROR").body["logs"])

    def test_text_is_a_line_an_entry(self):
        answer = OWNER.get(self.path, accept="text/plain")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
        lines = [f"{entry['timestamp']} [{entry['level']}] {entry['message']}\n" for entry in self.page["logs"]]
        self.assertEqual(answer.body, "".join(lines))
        self.assertEqual(answer.body, OWNER.get(f"/api/jobs/{self.job}").body["logs"])
        for line in answer.body.splitlines():
            self.assertRegex(line, LINE)

    def test_text_says_how_to_go_on(self):
        answer = OWNER.get(f"{self.path}?limit=1", accept="text/plain")
        self.assertEqual((answer.body.count("\n"), answer.headers["x-finished"]), (1, "false"))
        rest = OWNER.get(f"{self.path}?after={answer.headers['x-next-cursor']}", accept="text/plain")
        self.assertEqual(rest.headers["x-finished"], "true")
        self.assertEqual(answer.body + rest.body, OWNER.get(self.path, accept="text/plain").body)

    def test_a_job_that_waits_is_not_finished(self):
        page = OWNER.get(f"/api/jobs/{OWNER.draft()}/logs").body
        self.assertEqual((page["status"], page["finished"]), ("draft", False))

    def test_the_log_of_a_cancelled_job_names_who_did_it(self):
        job = OWNER.draft()
        ADMIN.put(f"/api/jobs/{job}/cancel")
        page = OWNER.get(f"/api/jobs/{job}/logs").body
        self.assertTrue(page["finished"])
        self.assertIn(f"admin {ADMIN.id}", page["logs"][-1]["message"])


class Following(unittest.TestCase):
    def test_a_log_that_grows_is_followed_without_gap_or_repetition(self):
        user = someone()
        release = user.release({f"{number}.bin": os.urandom(1 << 20) for number in range(12)})
        job = user.create(job_type="packaging", release_id=release, config_json={"compression": "high"})
        entries, after = [], "0"

        def finished():
            nonlocal after
            page = user.get(f"/api/jobs/{job}/logs?limit=2&after={after}").body
            after = page["next_cursor"]
            entries.extend(page["logs"])
            return page["finished"]

        eventually(finished, "the log to end")
        self.assertEqual(entries, user.get(f"/api/jobs/{job}/logs").body["logs"])
        self.assertEqual([entry["seq"] for entry in entries], list(range(1, len(entries) + 1)))


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Each row of the contract's table of errors, through the deployed API."""

import unittest

from support import ADMIN, JOB_ROUTES, NOBODY, OWNER, RELEASE_ROUTES, ROUTES, STRANGER, UNKNOWN, Case, someone

NO_IDS = ("0", "-1", "+1", "1.5", "abc", "1e3", "9007199254740992", "99999999999999999999")
TAKES_BODY = ("POST /api/jobs", "PATCH /api/jobs/{id}", "POST /api/releases", "POST /api/releases/{id}/files")
KIB = 1024


class Bodies(Case):
    @classmethod
    def setUpClass(cls):
        cls.draft, cls.a_release = OWNER.draft(), OWNER.release()

    def send(self, route, body):
        """Sends a body to a route that takes one, on what exists and is the owner's."""
        method, path = route.split(" ")
        return OWNER.call(method, path.format(id=self.a_release if "releases" in path else self.draft), body)

    def test_what_is_not_one_json_object_is_malformed(self):
        for route in TAKES_BODY:
            for body in (b"", b"{", b"not json", b"[]", b"7", b"null", b'"text"', b"{} {}"):
                with self.subTest(route, body=body):
                    self.refused(self.send(route, body), 400, "malformed-body")

    def test_an_unknown_field_is_named(self):
        needed = {"POST /api/jobs": {"job_type": "nfofix"}, "POST /api/releases": {"release_type": "ebook"},
                  "POST /api/releases/{id}/files": {"path": "a", "size": 1}}
        for route in TAKES_BODY:
            with self.subTest(route):
                self.refused(self.send(route, needed.get(route, {}) | {"typo": 1}), 400, "invalid-request", "typo")

    def test_an_unknown_field_of_a_configuration_is_named(self):
        for job_type in ("analysis", "packaging", "repack", "nfofix", "readnfo", "dirfix"):
            with self.subTest(job_type):
                body = {"job_type": job_type, "config_json": {"compresion": "high"}}
                answer = self.send("POST /api/jobs", body)
                self.refused(answer, 400, "invalid-request", "config_json.compresion")
                answer = self.send("PATCH /api/jobs/{id}", body)
                self.refused(answer, 400, "invalid-request", "config_json.compresion")

    def test_an_unknown_job_type_is_named(self):
        for body in ({"job_type": "juggling"}, {"job_type": "juggling", "draft": True}, {"job_type": 7}):
            with self.subTest(body):
                self.refused(self.send("POST /api/jobs", body), 400, "invalid-request", "job_type")

    def test_what_a_job_needs_is_named(self):
        self.refused(self.send("POST /api/jobs", {}), 400, "invalid-request", "job_type")
        self.refused(OWNER.put(f"/api/jobs/{OWNER.draft()}/submit"), 400, "invalid-request", "job_type")

    def test_every_field_of_a_job_at_fault_is_named_at_once(self):
        body = {"job_type": [], "release_id": 0, "config_json": "x", "draft": "yes", "typo": 1}
        answer = self.send("POST /api/jobs", body)
        self.assertEqual(answer.status, 400)
        self.assertEqual({each["field"] for each in answer.body["errors"]}, set(body))

    def test_a_release_id_out_of_range_is_named(self):
        for id in (0, -1, 1.5, "42", 2**53, True):
            with self.subTest(id=id):
                answer = self.send("POST /api/jobs", {"job_type": "nfofix", "release_id": id})
                self.refused(answer, 400, "invalid-request", "release_id")

    def test_values_of_a_configuration_out_of_range_are_named(self):
        wrong = {
            "compression": ("best", 9), "volume_size": (0, 65_535, "1 MB", -1), "generate_nfo": ("yes", 1),
            "release_name": ("short-G", "has space-GRP", "no.group.at.all", "two..dots-GRP", 7),
            "group": ("", "no spaces", 5), "template": ("", []),
        }
        for field, values in wrong.items():
            for value in values:
                with self.subTest(field, value=value):
                    answer = self.send("POST /api/jobs", {"job_type": "packaging", "config_json": {field: value}})
                    self.refused(answer, 400, "invalid-request", f"config_json.{field}")

    def test_the_largest_body_is_taken_and_a_larger_one_is_not(self):
        largest = b'{"draft": true}'.ljust(256 * KIB)
        self.assertEqual(self.send("POST /api/jobs", largest).status, 201)
        for route in TAKES_BODY:
            with self.subTest(route):
                self.refused(self.send(route, largest + b" "), 413, "too-large")

    def test_the_largest_configuration_is_taken_and_a_larger_one_is_not(self):
        # Without a type, a draft's configuration is free of rules but for its size.
        config = {"x": "y" * (64 * KIB - len('{"x":""}'))}
        self.assertEqual(self.send("POST /api/jobs", {"draft": True, "config_json": config}).status, 201)
        config["x"] += "y"
        self.refused(self.send("POST /api/jobs", {"draft": True, "config_json": config}), 413, "too-large")
        self.refused(self.send("PATCH /api/jobs/{id}", {"config_json": config}), 413, "too-large")

    def test_an_idempotency_key_has_its_length(self):
        answer = OWNER.post("/api/jobs", {"draft": True}, idempotency_key="k" * 129)
        self.refused(answer, 400, "invalid-request", "Idempotency-Key")


class Parameters(Case):
    def test_what_a_list_cannot_be_asked_for_is_named(self):
        release = OWNER.release()
        wrong = {
            "status": ("done", "failed,done", ""), "job_type": ("juggling", "nfofix,"), "release_id": ("0", "x"),
            "created_after": ("yesterday", "2026-13-01T00:00:00Z"), "created_before": ("1700000000",),
            "limit": ("0", "101", "-1", "ten", "1.5"), "cursor": ("nonsense", "!", "AAAAAAAAAAAAAAAAAAAAAA"),
            "sort": ("up",), "user_id": ("0", "me"),
        }
        for path in ("/api/jobs", f"/api/releases/{release}/jobs"):
            for name, values in wrong.items():
                for value in values:
                    with self.subTest(path, name=name, value=value):
                        self.refused(OWNER.get(f"{path}?{name}={value}"), 400, "invalid-request", name)

    def test_what_a_log_cannot_be_asked_for_is_named(self):
        job = OWNER.draft()
        wrong = {
            "after": ("x", "-1", "99999999999999"), "since": ("yesterday",), "level": ("LOUD",),
            "limit": ("0", "1001", "x"), "tail": ("1",),
        }
        for name, values in wrong.items():
            for value in values:
                with self.subTest(name, value=value):
                    self.refused(OWNER.get(f"/api/jobs/{job}/logs?{name}={value}"), 400, "invalid-request", name)

    def test_every_parameter_at_fault_is_named_at_once(self):
        answer = OWNER.get("/api/jobs?status=done&limit=0&limt=5")
        self.refused(answer, 400, "invalid-request", "status", "limit", "limt")

    def test_a_cursor_of_another_query_is_refused(self):
        user = someone()
        for _ in range(2):
            user.draft()
        cursor = user.get("/api/jobs?limit=1").body["next_cursor"]
        self.assertEqual(user.get(f"/api/jobs?limit=1&cursor={cursor}").status, 200)
        for caller, query in ((user, "status=draft&"), (someone(), ""), (ADMIN, ""), (ADMIN, f"user_id={user.id}&")):
            with self.subTest(query):
                answer = caller.get(f"/api/jobs?{query}cursor={cursor}")
                self.refused(answer, 400, "invalid-request", "cursor")

    def test_anothers_jobs_are_for_admins_only(self):
        self.refused(STRANGER.get(f"/api/jobs?user_id={OWNER.id}"), 403, "forbidden")
        self.assertEqual(STRANGER.get(f"/api/jobs?user_id={STRANGER.id}").status, 200)
        self.assertEqual(ADMIN.get(f"/api/jobs?user_id={OWNER.id}").status, 200)


class Routes(Case):
    def test_what_cannot_be_an_id_names_nothing(self):
        for route in JOB_ROUTES | RELEASE_ROUTES:
            for id in NO_IDS:
                with self.subTest(route, id=id):
                    kind = "release" if "releases" in route else "job"
                    self.refused(OWNER.ask(route, id), 404, f"{kind}-not-found")

    def test_what_does_not_exist_is_not_found_by_anyone(self):
        for route in JOB_ROUTES | RELEASE_ROUTES:
            for user in (OWNER, ADMIN):
                with self.subTest(route, user=user.id):
                    kind = "release" if "releases" in route else "job"
                    self.refused(user.ask(route, UNKNOWN), 404, f"{kind}-not-found")

    def test_a_release_that_does_not_exist_takes_no_job(self):
        answer = OWNER.post("/api/jobs", {"job_type": "nfofix", "release_id": UNKNOWN})
        self.refused(answer, 404, "release-not-found")
        answer = OWNER.patch(f"/api/jobs/{OWNER.draft()}", {"release_id": UNKNOWN})
        self.refused(answer, 404, "release-not-found")

    def test_a_method_that_a_route_has_not_is_refused(self):
        known = {}
        for route in ROUTES:
            method, path = route.split(" ")
            known.setdefault(path, set()).add(method)
        for path, methods in known.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
                with self.subTest(path, method=method):
                    self.assertIn(OWNER.call(method, path.format(id=OWNER.draft())).status, (404, 405))

    def test_a_path_that_is_no_route_is_refused(self):
        for path in ("/", "/api", "/api/job", "/api/jobs/1/2/3", "/api/wizard", "/health/x"):
            with self.subTest(path):
                self.assertEqual(OWNER.get(path).status, 404)

    def test_without_a_token_every_route_is_closed(self):
        for route in ROUTES:
            with self.subTest(route):
                self.assertEqual(NOBODY.ask(route).status, 401)


if __name__ == "__main__":
    unittest.main(verbosity=2)

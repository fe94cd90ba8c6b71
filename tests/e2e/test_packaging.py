"""Packages, as tools other than our own see them."""

import hashlib
import io
import random
import shutil
import subprocess
import tempfile
import unittest
import zipfile
import zlib
from pathlib import Path

from support import ADMIN, ENV, OWNER, STRANGER, UNKNOWN, Case, aws, eventually, someone
from sample_epub import TITLE, sample_epub  # scripts/sample_epub.py

NAME = "Ada.Example-A.Tested.Book-2026-GRP"
FILES = {
    "book.bin": random.Random(1).randbytes(300_000),
    "art/cover é.txt": b"cover\r\n" * 1_000,
    "art/日本.txt": "日本".encode(),
    "empty.txt": b"",
}


def archive(package, name=NAME):
    """The archive in a package, its volumes joined."""
    parts = sorted(path for path in package if path.startswith(f"{name}.zip"))
    return b"".join(package[path] for path in parts)


def unpacked(data):
    """The archive's files, as Python reads them; it checks the CRC-32 of each."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {entry.filename: opened.read(entry) for entry in opened.infolist()}


class Packages(Case):
    def package(self, release, job_type="packaging", **config):
        """Runs a job on a release; gives the release's new package, which agrees with the result."""
        job = OWNER.run(job_type=job_type, release_id=release, config_json=config)
        self.assertEqual(job["status"], "completed", job["error"])
        package = OWNER.files(release, "package/")
        expected = [
            {"path": path, "size": len(data), "crc32": f"{zlib.crc32(data):08X}",
             "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(package.items())
        ]
        self.assertEqual(sorted(job["result"]["files"], key=lambda file: file["path"]), expected)
        self.assertEqual(job["result"]["total_size"], sum(map(len, package.values())))
        return package

    def agrees(self, package, name=NAME):
        """The SFV lists every other file with its CRC-32."""
        lines = package[f"{name}.sfv"].decode("ascii").splitlines()
        listed = dict(line.rsplit(" ", 1) for line in lines if not line.startswith(";"))
        sums = {path: f"{zlib.crc32(data):08X}" for path, data in package.items() if not path.endswith(".sfv")}
        self.assertEqual(listed, sums)


class Packaging(Packages):
    def test_an_epub_is_packaged_by_its_own_metadata(self):
        epub = sample_epub()
        release = OWNER.release({"lighthouse.epub": epub}, metadata={})
        name = "Ada.Example-The.Lighthouse.Keeper.s.Ledger-2026-GRP"
        package = self.package(release)
        self.assertEqual(set(package), {f"{name}.zip", f"{name}.nfo", f"{name}.sfv", "FILE_ID.DIZ"})
        self.assertEqual(unpacked(package[f"{name}.zip"]), {"lighthouse.epub": epub})
        self.agrees(package, name)
        nfo = package[f"{name}.nfo"].decode("utf-8")
        for fact in (name, TITLE, "Ada Example", "Sample House", "9783161484100"):
            self.assertIn(fact, nfo)
        self.assertLessEqual(max(map(len, nfo.splitlines())), 80)
        self.assertIn(TITLE.encode("ascii"), package["FILE_ID.DIZ"])

    def test_an_epub_is_analysed(self):
        epub = sample_epub()
        job = OWNER.run(job_type="analysis", release_id=OWNER.release({"no-extension": epub}))
        found = OWNER.get(f"/api/wizard/jobs/{job['id']}/analysis").body
        expected = {"title": TITLE, "authors": ["Ada Example"], "publisher": "Sample House", "isbn": "9783161484100",
                    "year": 2026, "language": "en"}
        self.assertEqual({name: found["metadata"][name] for name in expected}, expected)
        expected = {"format": "epub", "version": "3.0", "size": len(epub), "chapters": 2,
                    "crc32": f"{zlib.crc32(epub):08X}", "sha256": hashlib.sha256(epub).hexdigest()}
        self.assertEqual({name: found["mediainfo"][name] for name in expected}, expected)
        with zipfile.ZipFile(io.BytesIO(epub)) as book:
            self.assertEqual([file["path"] for file in found["structure"]["files"]], book.namelist())

    def test_every_compression_keeps_every_file(self):
        sizes = {}
        for compression in ("store", "normal", "high"):
            with self.subTest(compression):
                package = self.package(OWNER.release(FILES), release_name=NAME, compression=compression)
                data = package[f"{NAME}.zip"]
                self.assertEqual(unpacked(data), FILES)
                self.agrees(package)
                sizes[compression] = len(data)
        self.assertGreater(sizes["store"], sum(map(len, FILES.values())))
        self.assertLess(sizes["normal"], sizes["store"])
        self.assertLessEqual(sizes["high"], sizes["normal"])

    @unittest.skipUnless(shutil.which("unzip"), "unzip is not installed")
    def test_unzip_accepts_an_archive_and_joined_volumes(self):
        release = OWNER.release(FILES)
        for config in ({"compression": "store"}, {"compression": "high"}, {"volume_size": 65_536}):
            with self.subTest(config), tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "archive.zip")
                path.write_bytes(archive(self.package(release, release_name=NAME, **config)))
                done = subprocess.run(["unzip", "-t", path], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("No errors detected", done.stdout)

    def test_volumes_are_of_the_size_that_was_asked_for_and_join_to_the_archive(self):
        package = self.package(OWNER.release(FILES), release_name=NAME, volume_size=65_536)
        volumes = sorted(path for path in package if ".zip" in path)
        self.assertEqual(volumes, [f"{NAME}.zip.{number:03}" for number in range(1, len(volumes) + 1)])
        self.assertGreater(len(volumes), 3)
        self.assertEqual({len(package[path]) for path in volumes[:-1]}, {65_536})
        self.assertLessEqual(len(package[volumes[-1]]), 65_536)
        self.assertEqual(unpacked(archive(package)), FILES)
        self.agrees(package)

    def test_nfo_diz_and_sfv_are_left_out_when_not_wanted(self):
        package = self.package(
            OWNER.release(FILES), release_name=NAME, generate_nfo=False, generate_diz=False, generate_sfv=False
        )
        self.assertEqual(set(package), {f"{NAME}.zip"})

    def test_an_nfo_follows_its_template(self):
        template = "{{ title }} by {{ group }}{% if publisher %}, {{ publisher }}{% endif %}\n"
        package = self.package(OWNER.release(FILES), release_name=NAME, template=template)
        self.assertEqual(package[f"{NAME}.nfo"], b"A Tested Book by GRP\r\n")

    def test_a_template_is_data_and_never_code(self):
        release = OWNER.release(FILES)
        for template in ("{{ secret }}", "{% if %}", "{{ title.__class__ }}", "{% include '/etc/passwd' %}",
                         "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"):
            with self.subTest(template):
                job = OWNER.run(job_type="packaging", release_id=release, config_json={"template": template})
                self.assertEqual((job["status"], job["error"]["code"]), ("failed", "template_invalid"))

    def test_a_failed_job_leaves_the_package_as_it_was(self):
        release = OWNER.release(FILES)
        before = self.package(release, release_name=NAME)
        outputs = {"Bucket": ENV["BUCKET_NAME"], "Prefix": f"releases/{release}/jobs/"}
        listed = aws("s3").list_objects_v2(**outputs)["KeyCount"]
        job = OWNER.run(job_type="packaging", release_id=release, config_json={"template": "{{ nothing }}"})
        self.assertEqual(job["status"], "failed")
        self.assertEqual(OWNER.files(release, "package/"), before)
        self.assertEqual(OWNER.get(f"/api/releases/{release}").body["package"]["version"], 1)
        eventually(lambda: aws("s3").list_objects_v2(**outputs)["KeyCount"] == listed, "the half-made output to go")

    def test_an_admin_packages_anothers_release(self):
        release = OWNER.release(FILES)
        job = ADMIN.run(job_type="packaging", release_id=release, config_json={"release_name": NAME})
        self.assertEqual(job["status"], "completed")
        self.assertEqual(unpacked(archive(OWNER.files(release, "package/"))), FILES)


class Repacking(Packages):
    def test_a_package_is_rebuilt_with_other_options(self):
        release = OWNER.release(FILES)
        first = self.package(release, release_name=NAME, volume_size=65_536, compression="store")
        name = "Another.Name-GRP"
        second = self.package(release, "repack", release_name=name, compression="high")
        self.assertEqual(set(second), {f"{name}.zip", f"{name}.nfo", f"{name}.sfv", "FILE_ID.DIZ"})
        self.assertEqual(unpacked(second[f"{name}.zip"]), unpacked(archive(first)))
        self.agrees(second, name)
        self.assertEqual(OWNER.get(f"/api/releases/{release}").body["package"]["version"], 2)

    def test_a_package_keeps_its_name_unless_told(self):
        release = OWNER.release(FILES)
        self.package(release, release_name=NAME)
        package = self.package(release, "repack", volume_size=65_536)
        self.assertEqual(unpacked(archive(package)), FILES)
        self.agrees(package)

    def test_without_a_package_there_is_nothing_to_repack(self):
        job = OWNER.run(job_type="repack", release_id=OWNER.release(FILES))
        self.assertEqual((job["status"], job["error"]["code"]), ("failed", "package_missing"))


class Restoring(Packages):
    def restore(self, user, release, job):
        return user.call("PUT", f"/api/releases/{release}/package", {"job_id": job})

    def test_an_earlier_package_is_made_current_again(self):
        user = someone()
        release = user.release(FILES)
        jobs = [
            user.run(job_type=job_type, release_id=release, config_json={"release_name": name})["id"]
            for job_type, name in (("packaging", NAME), ("repack", "Another.Name-GRP"))
        ]
        shown = user.get(f"/api/releases/{release}").body
        self.assertEqual((shown["package"]["job_id"], shown["package"]["version"]), (jobs[1], 2))
        [replaced] = shown["replaced_packages"]
        self.assertEqual((replaced["job_id"], replaced["version"]), (jobs[0], 1))
        self.assertGreater(replaced["expires_at"], shown["package"]["since"])

        restored = self.restore(user, release, jobs[0])
        self.assertEqual((restored.status, restored.body["package"]["job_id"]), (200, jobs[0]))
        self.assertEqual(restored.body["package"]["version"], 3)
        self.assertEqual([other["job_id"] for other in restored.body["replaced_packages"]], [jobs[1]])
        self.assertEqual(user.get(f"/api/releases/{release}").body, restored.body)
        self.assertIn(f"{NAME}.zip", user.files(release, "package/"))
        again = self.restore(user, release, jobs[0])
        self.assertEqual((again.status, again.body), (200, restored.body))
        self.assertEqual(self.restore(ADMIN, release, jobs[1]).body["package"]["version"], 4)

    def test_what_cannot_be_restored_is_refused(self):
        release = OWNER.release(FILES)
        job = OWNER.run(job_type="analysis", release_id=release, config_json={"path": "empty.txt"})["id"]
        for other in (job, UNKNOWN):
            self.refused(self.restore(OWNER, release, other), 409, "package-not-kept")
        self.refused(self.restore(STRANGER, release, job), 403, "forbidden")
        self.refused(self.restore(OWNER, UNKNOWN, job), 404, "release-not-found")
        for body, field in (({}, "job_id"), ({"job_id": "x"}, "job_id"), ({"job_id": job, "typo": 1}, "typo")):
            answer = OWNER.call("PUT", f"/api/releases/{release}/package", body)
            self.refused(answer, 400, "invalid-request", field)


class Dirfix(Packages):
    def fix(self, release, **config):
        job = OWNER.run(job_type="dirfix", release_id=release, config_json=config)
        self.assertEqual(job["status"], "completed", job["error"])
        return job["result"]

    def test_a_sound_package_is_left(self):
        release = OWNER.release(FILES)
        before = self.package(release, release_name=NAME)
        self.assertEqual(self.fix(release), {"changes": [], "omitted_changes": 0, "applied": False})
        self.assertEqual(OWNER.files(release, "package/"), before)

    def test_names_are_repaired_and_the_sfv_with_them(self):
        release = OWNER.release(FILES)
        before = self.package(release, release_name=NAME)
        job = OWNER.get(f"/api/releases/{release}/jobs").body["jobs"][0]["id"]
        bucket, prefix = ENV["BUCKET_NAME"], f"releases/{release}/jobs/{job}/"
        [nfo] = [
            each["Key"] for each in aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
            if each["Key"].endswith(".nfo")
        ]
        aws("s3").put_object(Bucket=bucket, Key=f"{nfo.removesuffix(f'{NAME}.nfo')}art/été à la mer.JPG", Body=b"jpeg")
        dry = self.fix(release, dry_run=True)
        self.assertFalse(dry["applied"])
        self.assertEqual(set(OWNER.files(release, "package/")), {*before, "art/été à la mer.JPG"})
        wet = self.fix(release)
        self.assertEqual((wet["applied"], wet["changes"]), (True, dry["changes"]))
        whys = {change["from"]: set(change["why"]) for change in wet["changes"]}
        self.assertEqual(whys, {"art/été à la mer.JPG": {"accents", "spaces", "extension_case"},
                                f"{NAME}.sfv": {"sfv_wrong"}})
        after = OWNER.files(release, "package/")
        self.assertEqual(after["art/ete.a.la.mer.jpg"], b"jpeg")
        self.agrees(after)
        self.assertEqual(self.fix(release)["changes"], [])

    def test_a_missing_sfv_is_made(self):
        release = OWNER.release(FILES)
        before = self.package(release, release_name=NAME, generate_sfv=False)
        [change] = self.fix(release)["changes"]
        self.assertEqual(change, {"from": None, "to": f"{NAME}.sfv", "why": ["sfv_missing"]})
        after = OWNER.files(release, "package/")
        self.assertEqual(set(after) - set(before), {f"{NAME}.sfv"})
        self.agrees(after)

    def test_source_files_are_looked_at_and_never_changed(self):
        release = OWNER.release(FILES)
        result = self.fix(release)
        self.assertIn("art/cover é.txt", [change["from"] for change in result["changes"]])
        self.assertFalse(result["applied"])
        self.assertEqual(OWNER.files(release, "source/"), FILES)


if __name__ == "__main__":
    unittest.main(verbosity=2)

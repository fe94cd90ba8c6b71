"""nfofix and readnfo, on NFOs as groups write them: in CP437, drawn, in French and English."""

import unittest
import zlib

from support import ADMIN, ENV, OWNER, Case, aws

NAME = "Elise.Noel-L.Ete-2024-GRP"
BOX = "╔" + "═" * 76 + "╗\n║" + "L'ÉTÉ ■ 2024".center(76) + "║\n╚" + "═" * 76 + "╝\n"
FRENCH = BOX + """
  ░▒▓█ Titre ........: L'été à la mer █▓▒░
  Auteur .......: Élise Noël
  Éditeur ......: Maison Dupré
  Année ........: 2024
  Langue .......: Français
  ISBN .........: 978-3-16-148410-0
  Groupe .......: GRP
"""
FACTS = {"title": "L'été à la mer", "authors": ["Élise Noël"], "publisher": "Maison Dupré", "year": 2024,
         "isbn": "9783161484100", "group": "GRP"}
LISTED = """
Title ........: A Listed Book
Author .......: Ada Example

Files
-----
book.epub      1200
cover.jpg       300
missing.pdf     999
"""


class Nfo(Case):
    def run_on(self, release, job_type, **config):
        job = OWNER.run(job_type=job_type, release_id=release, config_json=config)
        self.assertEqual(job["status"], "completed", job["error"])
        return job["result"]

    def fails(self, release, job_type, code):
        job = OWNER.run(job_type=job_type, release_id=release)
        self.assertEqual((job["status"], job["error"]["code"]), ("failed", code))
        self.assertTrue(job["error"]["message"])


class Nfofix(Nfo):
    def fix(self, data, **fields):
        return self.run_on(OWNER.release({"release.nfo": data}, **fields), "nfofix")

    def kinds(self, result):
        return {change["what"] for change in result["changes"]}

    def test_a_cp437_nfo_becomes_utf_8_with_its_drawings_whole(self):
        result = self.fix(FRENCH.encode("cp437"))
        self.assertEqual((result["file"], result["encoding"], result["changed"]), ("release.nfo", "cp437", True))
        self.assertEqual(self.kinds(result), {"encoding", "line_ends"})
        self.assertEqual(result["text"], FRENCH.replace("\n", "\r\n"))

    def test_other_encodings_become_the_same_text(self):
        plain = "Titre : L'été à la mer\r\nAuteur : Élise Noël\r\n"
        for data in (plain.encode("latin-1"), plain.encode("utf-16"), plain.encode("utf-8-sig"),
                     b"\xfe\xff" + plain.encode("utf-16-be")):
            with self.subTest(data):
                result = self.fix(data)
                self.assertEqual((result["text"], self.kinds(result)), (plain, {"encoding"}))

    def test_a_sound_nfo_is_left(self):
        result = self.fix(FRENCH.replace("\n", "\r\n").encode())
        self.assertEqual((result["changed"], result["changes"]), (False, []))

    def test_a_repair_is_its_own_repair(self):
        broken = ("\x1b[31mA\tB\x1b[0m\x07\n" + "word " * 40 + "\n" + FRENCH + "\n\n\n").encode("cp437")
        first = self.fix(broken)
        found = {"encoding", "line_ends", "escape_sequences", "control_characters", "tabs", "long_line"}
        self.assertEqual(self.kinds(first), found | {"final_line_end"})
        self.assertLessEqual(max(map(len, first["text"].split("\r\n"))), 80)
        self.assertEqual(self.fix(first["text"].encode())["changes"], [])

    def test_placeholders_are_filled_and_those_of_nothing_known_are_told(self):
        data = b"Title: {{ title }}\r\nAuthor: ${author}\r\nPublisher: %PUBLISHER%\r\nYear: [YEAR]\r\n"
        result = self.fix(data, metadata={"title": "A Title", "authors": ["Ada Example"], "year": 2024})
        filled = "Title: A Title\r\nAuthor: Ada Example\r\nPublisher: %PUBLISHER%\r\nYear: 2024\r\n"
        self.assertEqual(result["text"], filled)
        self.assertEqual([(each["line"], each["what"]) for each in result["notices"]], [(3, "placeholder_unfilled")])

    def test_a_source_file_is_never_changed(self):
        data = FRENCH.encode("cp437")
        release = OWNER.release({"release.nfo": data})
        self.assertTrue(self.run_on(release, "nfofix")["changed"])
        self.assertEqual(OWNER.files(release, "source/"), {"release.nfo": data})
        self.assertIsNone(OWNER.get(f"/api/releases/{release}").body["package"])

    def test_a_package_gets_a_new_version_with_a_repaired_nfo_and_a_true_sfv(self):
        release = OWNER.release({"book.txt": b"text\r\n"})
        self.run_on(release, "packaging", release_name=NAME, template="Title:\t%TITLE%")
        before = OWNER.files(release, "package/")
        self.assertIn(b"%TITLE%", before[f"{NAME}.nfo"])
        dry = self.run_on(release, "nfofix", dry_run=True)
        self.assertEqual(OWNER.files(release, "package/"), before)
        wet = self.run_on(release, "nfofix")
        self.assertEqual((wet["text"], self.kinds(wet)), (dry["text"], {"tabs", "placeholder"}))
        after = OWNER.files(release, "package/")
        self.assertEqual(after[f"{NAME}.nfo"].decode(), wet["text"])
        self.assertEqual(wet["text"], "Title:  A Tested Book\r\n")
        self.assertEqual(OWNER.get(f"/api/releases/{release}").body["package"]["version"], 2)
        same = set(before) - {f"{NAME}.nfo", f"{NAME}.sfv"}
        self.assertEqual({path: after[path] for path in same}, {path: before[path] for path in same})
        sums = {path: f"{zlib.crc32(data):08X}" for path, data in after.items() if not path.endswith(".sfv")}
        self.assertEqual(dict(line.rsplit(" ", 1) for line in after[f"{NAME}.sfv"].decode().splitlines()), sums)

    def test_without_one_nfo_it_says_why(self):
        self.fails(OWNER.release({"a.txt": b"text"}), "nfofix", "nfo_missing")
        self.fails(OWNER.release({"a.nfo": b"a\r\n", "b.nfo": b"b\r\n"}), "nfofix", "nfo_ambiguous")
        self.fails(OWNER.release({"a.nfo": b"a" * (256 * 1024 + 1)}), "nfofix", "nfo_too_large")


class Readnfo(Nfo):
    def test_a_cp437_nfo_in_french_is_read_back(self):
        result = self.run_on(OWNER.release({"release.nfo": FRENCH.encode("cp437")}), "readnfo")
        self.assertEqual((result["file"], result["encoding"], result["applied"]), ("release.nfo", "cp437", False))
        self.assertEqual({name: result["metadata"].get(name) for name in FACTS}, FACTS)
        self.assertEqual((result["missing_files"], result["unexpected_files"]), ([], []))

    def test_files_are_compared_with_those_listed(self):
        files = {"release.nfo": LISTED.encode(), "book.epub": b"x", "art/Cover.JPG": b"x", "extra.txt": b"x"}
        result = self.run_on(OWNER.release(files), "readnfo")
        self.assertEqual(result["missing_files"], ["missing.pdf"])
        self.assertEqual(result["unexpected_files"], ["extra.txt"])

    def test_only_apply_writes_to_the_release(self):
        known = {"title": "Old", "series": "Kept"}
        release = OWNER.release({"release.nfo": LISTED.encode()}, metadata=known)
        self.assertFalse(self.run_on(release, "readnfo")["applied"])
        self.assertEqual(OWNER.get(f"/api/releases/{release}").body["metadata"], known)
        self.assertTrue(self.run_on(release, "readnfo", apply=True)["applied"])
        applied = OWNER.get(f"/api/releases/{release}").body["metadata"]
        self.assertEqual(applied, {"title": "A Listed Book", "series": "Kept", "authors": ["Ada Example"]})

    def test_what_packaging_writes_is_read_back(self):
        metadata = {"title": "L'été à la mer", "authors": ["Élise Noël", "Ada Example"], "publisher": "Maison Dupré",
                    "year": 2024, "isbn": "9783161484100", "language": "fr"}
        release = OWNER.release({"book.txt": b"text\r\n"}, metadata=metadata)
        self.run_on(release, "packaging", release_name=NAME)
        result = self.run_on(release, "readnfo")
        self.assertEqual({name: result["metadata"].get(name) for name in metadata}, metadata)
        self.assertEqual((result["missing_files"], result["unexpected_files"]), ([], []))

    def test_a_file_that_is_gone_from_a_package_is_missing(self):
        release = OWNER.release({"book.txt": b"text\r\n"})
        job = OWNER.run(job_type="packaging", release_id=release, config_json={"release_name": NAME})
        folder = {"Bucket": ENV["BUCKET_NAME"], "Prefix": f"releases/{release}/jobs/{job['id']}/"}
        listed = aws("s3").list_objects_v2(**folder)["Contents"]
        [key] = [each["Key"] for each in listed if each["Key"].endswith(".zip")]
        aws("s3").delete_object(Bucket=ENV["BUCKET_NAME"], Key=key)
        self.assertEqual(self.run_on(release, "readnfo")["missing_files"], [f"{NAME}.zip"])

    def test_without_one_nfo_it_says_why(self):
        self.fails(OWNER.release({"a.txt": b"text"}), "readnfo", "nfo_missing")
        self.fails(OWNER.release({"a.nfo": b"a\r\n", "b.nfo": b"b\r\n"}), "readnfo", "nfo_ambiguous")

    def test_an_admin_reads_anothers_nfo(self):
        job = ADMIN.run(job_type="readnfo", release_id=OWNER.release({"release.nfo": LISTED.encode()}))
        self.assertEqual(job["result"]["metadata"]["title"], "A Listed Book")


if __name__ == "__main__":
    unittest.main(verbosity=2)

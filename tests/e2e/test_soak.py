"""The soak in its short form."""

import unittest

from soak import soak


class Soak(unittest.TestCase):
    def test_every_job_is_right_after_kills_throttling_duplicates_and_cancels(self):
        seen, faults = soak(60, 1, hurry=True)
        self.assertEqual(faults, [])
        for happened in ("kills", "throttled calls", "duplicates suppressed", "completed", "crashed attempts"):
            self.assertGreater(seen[happened], 0, dict(seen))


if __name__ == "__main__":
    unittest.main(verbosity=2)

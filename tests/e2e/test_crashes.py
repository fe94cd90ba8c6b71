"""The crash matrix in its short form: some points of each kind, and a hurry about the waiting."""

import unittest

from crashes import KINDS, matrix

EVERY = 7  # of the points of a kind: with both moments by turns


class Crashes(unittest.TestCase):
    def test_a_job_whose_processor_was_killed_ends_as_if_it_had_not_been(self):
        points = matrix(list(KINDS), hurry=True, take=lambda points: points[::EVERY])
        killed = [point for point in points if point.call]
        self.assertGreater(len(killed), 3 * len(KINDS))
        self.assertEqual({point.moment for point in killed}, {"before", "after"})
        for point in points:
            with self.subTest(f"{point.kind}, killed {point.moment} call {point.number}, {point.call}"):
                self.assertEqual(point.wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

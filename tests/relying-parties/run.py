"""Runs one suite of this folder, and ends with "N passed, N failed". A test with several faults has failed once."""

import sys
import unittest


class Count(unittest.TextTestResult):
    def failed(self):
        found = [test for test, _ in self.failures + self.errors]
        # A part of a test names its test; what failed before all tests of a class names none.
        return {getattr(test, "test_case", test).id() for test in found}


suite = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Count).run(suite)
failed = len(result.failed())
print(f"{max(0, result.testsRun - failed)} passed, {failed} failed")
sys.exit(0 if failed == 0 and result.testsRun > 0 else 1)

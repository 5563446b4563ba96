"""Runs the cases of a unittest module, and prints the counts as tests/support/run.py reads them."""

import sys
import unittest


def main():
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    bad = len(result.failures) + len(result.errors)
    for case, reason in result.skipped:
        print("skipped: %s: %s" % (case, reason))
    sys.stderr.flush()
    print("%d passed, %d failed, %d skipped" % (result.testsRun - bad - len(result.skipped), bad, len(result.skipped)), flush=True)
    sys.exit(1 if bad else 0)

"""``python -m include.supply``: all checks, for ``./warehouse test`` and continuous integration.

Exit code 1 where one failed, 3 where none failed and one could not be made.
"""

from __future__ import annotations

import sys

from include.cli.supply import checks, shown


def main() -> int:
    """Run and show the checks."""
    reports = checks()
    shown(reports)
    states = {report.state for report in reports}
    return 1 if "failed" in states else 3 if "not_checked" in states else 0


if __name__ == "__main__":
    sys.exit(main())

"""dbt as a process that does not outlive the one that started it.

Run as ``python include/dbt_process.py PARENT ARGUMENTS…``. A dbt whose build was killed would go on
writing into the working schemas while the next build is at work there. Linux ends it: on a killed
parent's death it gets SIGKILL too.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _die_with(int(sys.argv.pop(1)))
    from dbt.cli.main import cli

    cli()

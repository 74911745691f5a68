"""The build's dbt process (include/dbt_process.py), which stops at a named statement."""

import runpy
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]

if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    from include.evaluation.kills.hooks import install

    install(in_dbt=True)
    runpy.run_path(str(_ROOT / "include" / "dbt_process.py"), run_name="__main__")

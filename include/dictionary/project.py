"""The dbt project as dbt itself reads it: models, their SQL, columns and what they rest on."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from include.build import DBT_PROJECT, BuildFailed

Manifest = dict[str, Any]


def manifest() -> Manifest:
    """dbt's own manifest of the project. Needs no database; raises BuildFailed where dbt cannot
    read the project."""
    with tempfile.TemporaryDirectory() as folder:
        nowhere = dict.fromkeys(("HOST", "USER", "PASSWORD", "DATABASE"), "x") | {"PORT": "1"}
        environment = {f"DBT_{name}": value for name, value in nowhere.items()} | {
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
            "DBT_PROFILES_DIR": str(DBT_PROJECT),
            "DBT_PROJECT_DIR": str(DBT_PROJECT),
        }
        process = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "parse"],
            env=os.environ | environment,
            cwd=DBT_PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if process.returncode != 0:
            raise BuildFailed(
                f"dbt cannot read the project: {process.stdout[-1500:]}",
                remedy="correct the file that dbt names.",
            )
        found: Manifest = json.loads((Path(folder) / "manifest.json").read_text())
        return found


@dataclass(frozen=True)
class Project:
    """A manifest with the questions that the dictionary asks of it."""

    manifest: Manifest

    @cached_property
    def models(self) -> dict[str, Any]:
        """Model name -> its node."""
        return self._named("model")

    @cached_property
    def seeds(self) -> dict[str, Any]:
        """Seed name -> its node."""
        return self._named("seed")

    @cached_property
    def marts(self) -> list[str]:
        """Names of the marts, sorted."""
        return sorted(name for name, node in self.models.items() if node["schema"] == "candidate")

    def inputs(self, model: str) -> list[str]:
        """What the model reads directly: names of models and seeds, ``raw.<kind>`` and the like."""
        return [self._name(unique_id) for unique_id in self.models[model]["depends_on"]["nodes"]]

    def leaves(self, name: str) -> frozenset[str]:
        """Seeds and sources that a model rests on, through whatever models lie between."""
        if name not in self.models:
            return frozenset({name})
        if name not in self._leaves:
            self._leaves[name] = frozenset().union(*map(self.leaves, self.inputs(name)))
        return self._leaves[name]

    def rows(self, seed: str) -> list[dict[str, str]]:
        """A seed's rows as they are written."""
        path = DBT_PROJECT / self.seeds[seed]["original_file_path"]
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @cached_property
    def _leaves(self) -> dict[str, frozenset[str]]:
        return {}

    def _named(self, kind: str) -> dict[str, Any]:
        return {
            node["name"]: node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == kind
        }

    def _name(self, unique_id: str) -> str:
        if unique_id.startswith("source."):
            source = self.manifest["sources"][unique_id]
            return f"{source['source_name']}.{source['name']}"
        return unique_id.rsplit(".", 1)[-1]

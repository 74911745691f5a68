"""Data Docs below ``settings().data_docs``: Great Expectations' pages, readable without a network.

Great Expectations renders what was expected and found. Its own page around that, and its index,
load their looks and their tables from the internet; ours need nothing but themselves.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.settings import settings

TEMPLATES = Path(__file__).parent / "pages"
_CHINA = ZoneInfo("Asia/Shanghai")
_LISTED_RUNS = 200
"""Runs the index page lists; pages of older runs stay where they are."""

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True)
class JudgedSuite:
    """A suite's line on the index page: how many expectations were evaluated and failed."""

    suite: str
    page: str
    """URL, relative to the index page."""
    evaluated: int
    critical: int
    warnings: int


@dataclass(frozen=True)
class Run:
    """One checkpoint run on the index page; ``time`` is ISO, China's."""

    name: str
    time: str
    suites: tuple[JudgedSuite, ...]

    @property
    def critical(self) -> int:
        """Critical expectations that failed, of all suites."""
        return sum(each.critical for each in self.suites)

    @property
    def warnings(self) -> int:
        """Expectations of severity warning that failed, of all suites."""
        return sum(each.warnings for each in self.suites)


def render(
    suites: Mapping[str, Any],
    validations: Mapping[Any, Any],
    failures: Mapping[str, tuple[int, int]],
    run_name: str,
) -> dict[str, Path]:
    """Store results (cut down already) beside those of earlier runs and write their pages.

    ``suites`` are Great Expectations' by name, ``failures`` the failed critical expectations and
    warnings of each. Returns the page of each suite.
    """
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
    )

    with _site_lock():
        context = context_of(_files("ValidationResultsStore", settings().home / "gx" / "results"))
        for suite in suites.values():
            context.suites.add(suite)
        pages: dict[str, Path] = {}
        shown: list[Any] = []
        for identifier, validation in validations.items():
            suite_identifier = ExpectationSuiteIdentifier(name=validation.suite_name)
            context.validation_results_store.store_validation_results(
                validation, identifier, suite_identifier
            )
            shown += [identifier, suite_identifier]
            # Not with_suffix(): a suite's own name has a dot.
            *folders, name = identifier.to_tuple()
            pages[validation.suite_name] = Path(
                settings().data_docs, "validations", *folders, f"{name}.html"
            )
        context.build_data_docs(resource_identifiers=shown, build_index=False)
        _add_to_index(
            Run(
                run_name,
                datetime.now(_CHINA).isoformat(timespec="seconds"),
                tuple(
                    JudgedSuite(
                        name,
                        quote(page.relative_to(settings().data_docs).as_posix()),
                        len(suites[name].expectations),
                        *failures[name],
                    )
                    for name, page in pages.items()
                ),
            )
        )
    return pages


def write_page(name: str, template: str, **values: Any) -> Path:
    """Write one of our own pages beside the index; returns its path."""
    path = settings().data_docs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(_environment.get_template(template).render(**values), encoding="utf-8")
    return draft.replace(path)  # whole, for whoever reads it meanwhile


def context_of(results: Mapping[str, Any]) -> Any:
    """A context in memory with ``results`` as its store of validation results and our site."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig

    view = {"module_name": "expectations.page_view", "class_name": "PageView"}
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
            stores={
                "expectations_store": memory("ExpectationsStore"),
                "validation_results_store": dict(results),
                "checkpoint_store": memory("CheckpointStore"),
                "validation_definition_store": memory("ValidationDefinitionStore"),
            },
            expectations_store_name="expectations_store",
            validation_results_store_name="validation_results_store",
            checkpoint_store_name="checkpoint_store",
            data_docs_sites={
                "local_site": {
                    "class_name": "SiteBuilder",
                    "show_how_to_buttons": False,
                    "store_backend": _backend(settings().data_docs),
                    "site_section_builders": {
                        "expectations": {"view": view},
                        "validations": {"view": view},
                        "profiling": "None",
                    },
                }
            },
        ),
    )


def memory(store: str) -> dict[str, Any]:
    """The configuration of a store that is gone with the process."""
    return {"class_name": store, "store_backend": {"class_name": "InMemoryStoreBackend"}}


def _add_to_index(run: Run) -> None:
    """Write the index page with this run and the latest before it."""
    record = settings().home / "gx" / "runs.json"
    runs = [run, *_earlier_runs(record)][:_LISTED_RUNS]
    draft = record.with_suffix(".draft")
    draft.write_text(json.dumps([asdict(each) for each in runs]), encoding="utf-8")
    draft.replace(record)  # half a record would keep every later run from being added
    write_page("index.html", "index.html", runs=runs)


def _earlier_runs(record: Path) -> Iterable[Run]:
    if not record.exists():
        return ()
    return (
        Run(each["name"], each["time"], tuple(JudgedSuite(**suite) for suite in each["suites"]))
        for each in json.loads(record.read_text(encoding="utf-8"))
    )


@contextmanager
def _site_lock() -> Iterator[None]:
    """One writer of the site at a time: each run's line is added to the index of all."""
    settings().data_docs.mkdir(parents=True, exist_ok=True)
    with (settings().data_docs / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _files(store: str, folder: Path) -> dict[str, Any]:
    return {"class_name": store, "store_backend": _backend(folder)}


def _backend(folder: Path) -> dict[str, Any]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}

"""The points at which something is killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from include.evaluation.kills.hooks import Trigger
from include.evaluation.kills.strike import Victim

PERIOD = "2026-01"
COUNTY, SFTP_COUNTY = "431002", "431081"
Moment = Literal["before", "middle", "commit", "after"]


@dataclass(frozen=True)
class Point:
    """A task killed at a point. ``where`` says it in words, ``stage`` is what it starts from.

    With ``is_run_lost`` the task is not tried again: the next look of ``late_deliveries`` has to
    find the month. ``arrange`` is a statement for the database before.
    """

    task: str
    where: str
    moment: Moment
    trigger: Trigger
    stage: str
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)
    victim: Victim = "task"
    is_run_lost: bool = False
    arrange: str = ""

    @property
    def name(self) -> str:
        return f"{self.task}: {self.where}"


Row = tuple[Moment, str, Trigger] | tuple[Moment, str, Trigger, dict[str, Any]]


def _of(task: str, stage: str, arguments: dict[str, Any], *rows: Row) -> Iterator[Point]:
    for moment, where, trigger, *more in rows:
        yield Point(task, where, moment, trigger, stage, arguments, **(more[0] if more else {}))


def _call(path: str, nth: int = 1, *, after: bool = False) -> Trigger:
    return Trigger(call=path, nth=nth, after=after)


def _sql(pattern: str, nth: int = 1) -> Trigger:
    return Trigger(sql=pattern, nth=nth)


def _commit(pattern: str, nth: int = 1, *, after: bool = False) -> Trigger:
    return Trigger(commit=pattern, nth=nth, after=after)


def _dbt(pattern: str, nth: int = 1) -> Trigger:
    return Trigger(sql=pattern, nth=nth, in_dbt=True)


_DONE = _call("builtins:print")
"""The work is done, and Airflow has not heard of it."""
_POSTGRES: dict[str, Any] = {"victim": "postgres"}
_LOST: dict[str, Any] = {"is_run_lost": True}
_ARRIVED, _ACCEPTED = "insert into ops.arrival", "insert into ops.acceptance"
_TOLD, _ASKED = "insert into ops.notice", "insert into ops.readiness"
_MONTH: dict[str, Any] = {"period": PERIOD}


def points() -> tuple[Point, ...]:
    """All of them, in the order of a month."""
    return (*_county(), *_city(), *_late(), *_build(), *_publish(), *_retention())


def _county() -> Iterator[Point]:
    dag = "county_delivery"
    yield from _of(
        f"{dag}.fetch_and_load", "empty", _MONTH | {"county_code": COUNTY},
        ("before", "nothing done yet", _call("include.sources.county:fetch")),
        ("middle", "a file lies in landing's draft", _call("os:fsync")),
        ("middle", "a file is being named by its hash", _call("pathlib:Path.replace", 2)),
        ("middle", "all landed, none loaded", _call("include.load:load")),
        ("middle", "a workbook is being read", _call("include.reader:_workbook")),
        ("middle", "COPY has begun", _call("psycopg:Copy.write", 2, after=True)),
        ("middle", "rows are in, their delivery is not", _sql("insert into ops.delivery ", 3)),
        ("middle", "identifiers are being keyed", _sql("insert into vault.identifier", 2)),
        ("middle", "defects are being recorded", _sql("insert into ops.delivery_defect")),
        ("commit", "the first file", _commit(_ARRIVED)),
        ("after", "the fourth file is committed", _commit(_ARRIVED, 4, after=True)),
        ("commit", "the last file", _commit(_ARRIVED, 12)),
        ("middle", "PostgreSQL in a COPY", _call("psycopg:Copy.write", 2), _POSTGRES),
        ("commit", "PostgreSQL, fifth file", _commit(_ARRIVED, 5), _POSTGRES),
        ("after", "done and not heard of", _DONE),
    )  # fmt: skip
    yield from _of(
        f"{dag}.fetch_and_load", "empty", _MONTH | {"county_code": SFTP_COUNTY},
        ("middle", "the third file from SFTP", _call("os:fsync", 3)),
    )  # fmt: skip
    yield from _of(
        f"{dag}.judge", "loaded", _MONTH,
        ("before", "nothing done yet", _call("include.acceptance:judge")),
        ("middle", "profiles are being made", _sql('create table "quality"', 3)),
        ("commit", "the profiles", _commit("insert into ops.delivery_profile")),
        ("middle", "profiled, not judged", _call("include.acceptance:run")),
        ("middle", "Data Docs lack their index", _call("expectations.data_docs:_add_to_index")),
        ("middle", "Data Docs' record of runs", _call("pathlib:Path.replace")),
        ("middle", "verdicts are being written", _sql(_ACCEPTED)),
        ("commit", "the verdicts", _commit(_ACCEPTED)),
        ("after", "the verdicts are committed", _commit(_ACCEPTED, after=True)),
        ("middle", "the fifth receipt", _call("include.receipts:write_workbook", 5)),
        ("commit", "the receipts", _commit("insert into ops.receipt")),
        ("commit", "the notices", _commit(_TOLD)),
        ("middle", "the gate's word is being kept", _sql(_ASKED)),
        ("commit", "the gate's word", _commit(_ASKED)),
        ("middle", "PostgreSQL at the verdicts", _sql(_ACCEPTED), _POSTGRES),
        ("after", "done and not heard of", _DONE),
    )  # fmt: skip
    yield from _emitted(dag)


def _emitted(dag: str) -> Iterator[Point]:
    """Tasks that only emit: Airflow keeps what they emit when they have ended well."""
    for task in ("ready", "due"):
        yield from _of(f"{dag}.{task}", "judged", {}, ("before", "not emitted", _DONE))


def _city() -> Iterator[Point]:
    """The city's own systems."""
    dag, source = "civil_affairs_delivery", "include.sources.civil_affairs"
    yield from _of(
        f"{dag}.extract_and_load", "empty", _MONTH | {"kind": "mz_dibao_member"},
        ("before", "nothing done yet", _call(f"{source}:extract")),
        ("middle", "the source's COPY lies in the draft", _call("os:fsync")),
        ("middle", "landed, not loaded", _call("include.load:load")),
        ("middle", "our COPY has begun", _call("psycopg:Copy.write", after=True)),
        ("commit", "the load", _commit(_ARRIVED)),
        ("after", "the load is committed", _commit(_ARRIVED, after=True)),
        ("middle", "PostgreSQL in the source's COPY", _call("os:fsync"), _POSTGRES),
    )  # fmt: skip
    yield from _judged(dag)
    yield from _emitted(dag)
    dag, source = "health_insurance_delivery", "include.sources.health_insurance"
    yield from _of(
        f"{dag}.extract_and_load", "empty", _MONTH | {"kind": "yb_enrol"},
        ("before", "nothing done yet", _call(f"{source}:extract")),
        ("middle", "the second page is asked for", _call(f"{source}:_Api.page", 2)),
        ("middle", "a page is being named", _call("pathlib:Path.replace", 2)),
        ("middle", "landed, its pages are there still", _call(f"{source}:_discard")),
        ("middle", "its pages are half removed", _call("os:unlink", 2)),
        ("middle", "pages are being taken apart", _sql("create temporary table api_record")),
        ("commit", "the load", _commit(_ARRIVED)),
        ("after", "the load is committed", _commit(_ARRIVED, after=True)),
    )  # fmt: skip
    yield from _judged(dag)
    yield from _emitted(dag)


def _judged(dag: str) -> Iterator[Point]:
    yield from _of(
        f"{dag}.judge",
        "loaded",
        _MONTH,
        ("before", "nothing done yet", _call("include.acceptance:judge")),
        ("middle", "verdicts are being written", _sql(_ACCEPTED)),
        ("commit", "the verdicts", _commit(_ACCEPTED)),
        ("commit", "the gate's word", _commit(_ASKED)),
    )


def _late() -> Iterator[Point]:
    """A correction has come for a published month."""
    dag, ordered = "late_deliveries", "insert into ops.month_due"
    yield from _of(
        f"{dag}.take_in", "corrected", {},
        ("before", "nothing done yet", _call("include.watch:open_months")),
        ("middle", "the correction lies in the draft", _call("os:fsync")),
        ("commit", "the load", _commit(_ARRIVED)),
        ("after", "loaded, not judged", _commit(_ARRIVED, after=True)),
        ("commit", "the verdict", _commit(_ACCEPTED)),
        ("after", "judged, without receipt", _commit(_ACCEPTED, after=True)),
        ("commit", "the receipt", _commit("insert into ops.receipt")),
        ("middle", "PostgreSQL in the COPY", _call("psycopg:Copy.write"), _POSTGRES),
    )  # fmt: skip
    yield from _of(
        f"{dag}.due",
        "taken",
        {"run_id": "killed"},
        ("before", "nothing done yet", _call("include.watch:due_months")),
        ("middle", "the order is being noted", _sql(ordered)),
        ("commit", "the order", _commit(ordered)),
        ("after", "the order is noted, nobody has it", _commit(ordered, after=True)),
        ("commit", "PostgreSQL, the order", _commit(ordered), _POSTGRES),
    )
    again = {"arrange": "delete from ops.notice"}
    yield from _of(
        f"{dag}.tell", "taken", {},
        ("before", "nothing done yet", _call("include.notices:tell"), again),
        ("middle", "notices are being kept", _sql(_TOLD), again),
        ("commit", "the notices", _commit(_TOLD), again),
    )  # fmt: skip
    yield from _of(f"{dag}.send", "ordered", {}, ("before", "the order is not sent", _DONE))


def _build() -> Iterator[Point]:
    """The month is built anew with the correction."""
    dag, opened = "monthly_build", "insert into ops.build"
    yield from _of(
        f"{dag}.open_build",
        "ordered",
        _MONTH,
        ("before", "nothing done yet", _call("include.build:open_build")),
        ("middle", "the build is being recorded", _sql(opened)),
        ("commit", "the build", _commit(opened)),
        ("after", "recorded, and its run is lost", _commit(opened, after=True), _LOST),
    )
    mart = r'"candidate"\."county_scorecard'
    yield from _of(
        f"{dag}.dbt", "opened", {},
        ("before", "nothing done yet", _call("include.build:run_dbt")),
        ("middle", "links are being written", _sql('copy "vault"."person_link"')),
        ("commit", "the links", _commit('copy "vault"."person_link"')),
        ("middle", "linked, dbt not started", _call("include.build:_build")),
        ("middle", "seeds are half loaded", _dbt(r'insert into .*"seeds"', 3),
         {"arrange": "delete from ops.seeding"}),
        ("middle", "a staging model", _dbt(r'create .*"staging"\."stg_county_income')),
        ("middle", "a core model", _dbt(r'create .*"core"\."dim_household')),
        ("middle", "a mart is being made", _dbt(rf"create .*{mart}")),
        ("middle", "the old mart is away, the new not there", _dbt(rf"alter table .*{mart}", 2)),
        ("commit", "a model's transaction", _dbt(r"^\W*(/\*.*\*/)?\W*commit", 40)),
        ("middle", "a test of data", _dbt("as failures", 30)),
        ("middle", "dbt alone, in a mart", _dbt(r'create .*"candidate"\."household_month'),
         {"victim": "dbt", "is_run_lost": True}),
        ("middle", "PostgreSQL in a core model", _dbt(r'create .*"core"\."dim_person'),
         _POSTGRES | _LOST),
        ("commit", "built, and not recorded as whole", _call("include.build:complete_candidate")),
        ("after", "done and not heard of", _DONE),
    )  # fmt: skip


def _publish() -> Iterator[Point]:
    """The gate and the publication, of a month published before and of a new one."""
    dag, judged, logged = (
        "monthly_build",
        "insert into ops.gate_result",
        "insert into ops.publication",
    )
    yield from _of(
        f"{dag}.audit",
        "built",
        {},
        ("before", "nothing done yet", _call("include.gate:audit")),
        ("commit", "what was published before", _commit("published_before")),
        ("middle", "not judged yet", _call("include.gate:run")),
        ("middle", "Data Docs lack their index", _call("expectations.data_docs:_add_to_index")),
        ("middle", "results are being written", _sql(judged)),
        ("commit", "the results", _commit(judged)),
        ("after", "the results are committed", _commit(judged, after=True)),
        ("middle", "whether a person has to be asked", _sql("lock table", 5)),
        ("after", "done and not heard of", _DONE),
        ("middle", "PostgreSQL, not judged yet", _call("include.gate:run"), _POSTGRES | _LOST),
    )
    moved, put = "with moved as", 'insert into "marts"'
    yield from _of(
        f"{dag}.publish", "audited", {},
        ("before", "nothing done yet", _call("include.publish:publish")),
        ("middle", "the candidate is being locked", _sql("lock table", 5)),
        ("middle", "the first mart is archived", _sql(moved)),
        ("middle", "the first mart is away", _sql(put)),
        ("middle", "half of the marts are new", _sql(put, 10)),
        ("middle", "all marts are new, not logged", _sql(logged)),
        ("middle", "logged, what it changed is not", _sql("copy ops.publication_change")),
        ("commit", "the publication", _commit(logged)),
        ("after", "the publication is committed", _commit(logged, after=True)),
        ("after", "done and not heard of", _DONE),
        ("middle", "PostgreSQL, half of the marts new", _sql(put, 10), _POSTGRES | _LOST),
        ("commit", "PostgreSQL, the publication", _commit(logged), _POSTGRES | _LOST),
        ("middle", "PostgreSQL's first process alone", _sql(put, 5),
         {"victim": "postmaster", "is_run_lost": True}),
    )  # fmt: skip
    yield from _of(
        f"{dag}.publish",
        "first_audited",
        {},
        ("middle", "first publication, half of the marts", _sql(put, 10)),
        ("commit", "first publication", _commit(logged)),
    )


def _retention() -> Iterator[Point]:
    """Files that came long ago, of which no published month was built."""
    old = {
        "arrange": "; ".join(
            f"update ops.{table} set received_at = received_at - interval '4 years'"
            for table in ("delivery", "arrival")
        )
    }
    gone = "insert into ops.retention"
    yield from _of(
        "retention.drop", "judged", {},
        ("before", "nothing done yet", _call("include.retention:drop"), old),
        ("middle", "what goes is being recorded", _sql(gone), old),
        ("commit", "the record", _commit(gone), old),
        ("after", "recorded, the files are there still", _commit(gone, after=True), old),
        ("middle", "the first file is going", _call("pathlib:Path.unlink", after=True), old),
    )  # fmt: skip

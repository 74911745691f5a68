"""How well rows are linked to people, and households followed, against the simulator's truth.

The truth is read here and by tests; no step of the warehouse sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from include.build import open_build, run_dbt
from include.database import OWNER, connect
from include.evaluation import households
from include.evaluation.households import KindFigures
from include.vault import identifier_key

TARGETS = {"precision": 0.999, "recall": 0.99, "recall_unusable": 0.95}
"""Least figures of the simulated municipality."""
_RECORD_KEYS = {
    "county_person": ("r.person_no", "cert_no"),
    "yb_enrol": ("r.psn_no", "certno"),
    "yb_settle": ("r.psn_no", "certno"),
    "mz_dibao_member": ("r.cert_no || '/' || r.id_no", "id_no"),
}
"""kind -> (what truth/<period>/rows.csv calls record_key, the column with the resident ID)."""
_ROWS = """
    select '{kind}' as kind, {record_key} as record_key,
        coalesce(id.key, link.person_key) as person_key,
        case when id.key is not null then 'resident_id' else coalesce(link.method, 'unlinked') end
            as method
    from raw.{kind} as r
    inner join ops.accepted_delivery as d on r._delivery_id = d.delivery_id
    left join vault.identifier as id
        on id.kind = 'person' and id.value = vault.normalise_resident_id(r.{column})
    left join vault.person_link as link
        on link.delivery_id = r._delivery_id and link.row_no = r._row_no
        and link.column_name = '{column}'
    where d.period = any(%s)
"""
_AGES = (0, 3, 7, 16, 60, 80, 130)


@dataclass(frozen=True)
class Quality:
    """Shares of rows. ``false_links`` are rows given to another person than the one they are of."""

    rows: int
    unusable: int
    """Rows whose ID leads to nobody by itself."""
    false_links: int
    precision: float
    recall: float
    recall_unusable: float | None
    methods: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Figures of all rows and by source, how many rows of whom were missed, and the changes of
    households by kind."""

    overall: Quality
    by_kind: dict[str, Quality]
    missed: dict[str, dict[str, int]]
    households: list[KindFigures] = field(default_factory=list)

    @property
    def meets_targets(self) -> bool:
        """Whether the targets are met over all rows, and over all changes of households."""
        return households.meets_target(self.households) and all(
            value is None or value >= least
            for name, least in TARGETS.items()
            for value in (getattr(self.overall, name),)
        )


def evaluate(home: Path, periods: list[str]) -> Result:
    """Link the last month's scope anew and compare it with the truth of ``periods``; likewise the
    households' history, which the spine is built for.

    ``periods`` are the months whose deliveries are loaded and in scope of the last one.
    """
    run_dbt(open_build(periods[-1]), households.SELECTION)
    result = judged(judge(delivered(periods), truth(home, periods)))
    return replace(result, households=households.evaluate(home, periods))


def delivered(periods: list[str]) -> pd.DataFrame:
    """kind, record_key, person_key, method of each row of the evaluated kinds."""
    frames = []
    with connect(OWNER) as connection:
        for kind, (record_key, column) in _RECORD_KEYS.items():
            query = _ROWS.format(kind=kind, record_key=record_key, column=column)
            rows = connection.execute(query.encode(), [periods]).fetchall()
            frames.append(
                pd.DataFrame(rows, columns=["kind", "record_key", "person_key", "method"])
            )
    return pd.concat(frames, ignore_index=True)


def truth(home: Path, periods: list[str]) -> pd.DataFrame:
    """Whom each record is of, with age, sex and county of the person."""
    folders = [home / "truth" / period for period in periods]
    rows = pd.concat(
        pd.read_csv(folder / "rows.csv", dtype=str, usecols=["kind", "record_key", "person_id"])
        for folder in folders
    ).drop_duplicates(["kind", "record_key"])
    homes = pd.concat(
        pd.read_csv(folder / "persons.csv", dtype=str, usecols=["person_id", "county_code"])
        for folder in folders
    ).drop_duplicates("person_id")
    rows = rows.merge(homes, on="person_id", how="left")
    age = int(periods[-1][:4]) - rows.person_id.str[6:10].astype(int)
    return rows.assign(
        age_band=pd.cut(age, list(_AGES), right=False, labels=_labels()).astype(str),
        sex=rows.person_id.str[16].astype(int).mod(2).map({1: "male", 0: "female"}),
    )


def unlinked_people(home: Path, periods: list[str]) -> set[str]:
    """person_ids of whom some row got no person's key, or another's."""
    rows = delivered(periods).merge(truth(home, periods), on=["kind", "record_key"])
    people = rows["person_id"].drop_duplicates()
    keys = dict(
        zip(people, people.map(lambda number: identifier_key("person", number)), strict=True)
    )
    wrong = rows["person_key"].fillna("") != rows["person_id"].map(keys)
    return set(rows.loc[wrong, "person_id"])


def _labels() -> list[str]:
    return [f"{low}-{high - 1}" for low, high in pairwise(_AGES[:-1])] + [f"{_AGES[-2]}+"]


def judge(rows: pd.DataFrame, true: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``is_right`` and ``is_false``.

    A person is known by the key of its ID where some row has it, else by the key most of its rows
    got. A row is right with that key, and false with the key of somebody else.
    """
    found = rows.merge(true, on=["kind", "record_key"], how="inner")
    people = pd.Series(found.person_id.unique())
    by_id = dict(
        zip(people, people.map(lambda value: identifier_key("person", value)), strict=True)
    )
    found["true_key"] = found.person_id.map(by_id)
    has_id = set(found.person_id[(found.method == "resident_id") & _is(found, "true_key")])
    rest = found[~found.person_id.isin(has_id) & found.person_key.notna()]
    own = (
        rest.groupby(["person_id", "person_key"]).size().rename("n").reset_index()
        .sort_values(["person_id", "n", "person_key"], ascending=[True, False, True])
        .drop_duplicates("person_id").set_index("person_id").person_key
    )  # fmt: skip
    expected = found.person_id.map(own).fillna(found.true_key)
    owner = pd.Series(found.person_id.to_numpy(), index=expected.to_numpy())
    owner = owner[~owner.index.duplicated()]
    found["is_right"] = (found.person_key == expected).fillna(False)
    found["is_false"] = found.person_key.isin(owner.index) & ~found.is_right
    return found


def _is(found: pd.DataFrame, column: str) -> pd.Series[bool]:
    return (found.person_key == found[column]).fillna(False)


def judged(found: pd.DataFrame) -> Result:
    """Figures of judged rows."""
    missed = found[~found.is_right]
    return Result(
        overall=_quality(found),
        by_kind={str(kind): _quality(rows) for kind, rows in found.groupby("kind")},
        missed={
            name: {str(k): int(v) for k, v in missed[name].value_counts().sort_index().items()}
            for name in ("age_band", "sex", "county_code")
        },
    )


def _quality(found: pd.DataFrame) -> Quality:
    unusable = found[found.method != "resident_id"]
    linked = int(found.person_key.notna().sum())
    false = int(found.is_false.sum())
    return Quality(
        rows=len(found),
        unusable=len(unusable),
        false_links=false,
        precision=round(1 - false / linked, 6) if linked else 1.0,
        recall=round(float(found.is_right.mean()), 6) if len(found) else 1.0,
        recall_unusable=round(float(unusable.is_right.mean()), 6) if len(unusable) else None,
        methods={str(k): int(v) for k, v in found.method.value_counts().sort_index().items()},
    )


def figures(result: Result) -> dict[str, Any]:
    """As JSON."""
    from dataclasses import asdict

    return asdict(result) | {
        "targets": TARGETS | {"households": households.LEAST},
        "meets_targets": result.meets_targets,
    }

"""The stem of a village's name is one thing, in Python (which derives seeds) and in SQL."""

from __future__ import annotations

import jinja2
import psycopg

from include.areas.history import current, of_2016, stem
from include.build import DBT_PROJECT


def test_the_stem_in_sql_is_the_stem_in_python(server_dsn: str) -> None:
    macros = (DBT_PROJECT / "macros" / "areas.sql").read_text()
    query = jinja2.Template(macros + "{{ area_stem('a.name', 'a.township') }}").render()
    places = [
        (area.name, areas[area.parent].name)
        for areas in (current(), of_2016())
        for area in areas.values()
        if area.level == "village"
    ] + [("社区", "镇"), ("村村", "镇"), ("卢阳镇村", "卢阳镇"), ("", "")]
    with psycopg.connect(server_dsn) as connection:
        found = connection.execute(
            f"select {query} from unnest(%s::text[], %s::text[])"
            " with ordinality as a (name, township, n) order by n".encode(),
            [[name for name, _ in places], [township for _, township in places]],
        ).fetchall()
    assert [row[0] for row in found] == [stem(*place) for place in places]

"""One person under two valid numbers: the number was corrected, or issued twice.

No ID leads from one number to the other, so that a name and a birth date have to: a member of a
county's list whom the insurance does not know, beside an insured person of the same county whom no
list has. That alone proves nothing, and nothing is joined: the pairs are for ``./warehouse link``.
"""

from __future__ import annotations

from typing import Any

import psycopg

EVIDENCE = "same name, birth date, sex and county; each number is known to one side alone"
_LISTED = """
    select r._delivery_id, r._row_no, i.key, parse.text(r.name) as name,
        substr(i.value, 7, 8) as birth, substr(i.value, 17, 1)::integer %% 2 as sex,
        d.county_code as county
    from raw.county_person as r
    inner join scope as s on r._delivery_id = s.delivery_id and s.kind = 'county_person'
    inner join ops.delivery as d on r._delivery_id = d.delivery_id
    inner join vault.identifier as i
        on i.kind = 'person' and i.value = vault.normalise_resident_id(r.cert_no)
    where d.period = %(period)s
"""
_INSURED = """
    select distinct i.key, parse.text(r.psn_name) as name, substr(i.value, 7, 8) as birth,
        substr(i.value, 17, 1)::integer %% 2 as sex,
        substr(parse.text(r.insuplc_admdvs), 1, 6) as county
    from raw.yb_enrol as r
    inner join scope as s on r._delivery_id = s.delivery_id and s.kind = 'yb_enrol'
    inner join ops.delivery as d on r._delivery_id = d.delivery_id
    inner join vault.identifier as i
        on i.kind = 'person' and i.value = vault.normalise_resident_id(r.certno)
    where d.period = %(period)s
"""


def find_aliases(connection: psycopg.Connection[Any], period: str) -> int:
    """Write vault.alias_candidate for the month's lists among ``pg_temp.scope``; how many rows.

    Replaces what was found before for these deliveries. A name and birth date that more than one
    person of either side has says nothing.
    """
    connection.execute(
        "delete from vault.alias_candidate where delivery_id in (select s.delivery_id "
        "from scope as s inner join ops.delivery as d using (delivery_id) where d.period = %s)",
        [period],
    )
    for table, query in (("listed", _LISTED), ("insured", _INSURED)):
        connection.execute(
            f"create temporary table {table} on commit drop as {query}".encode(),
            {"period": period},
        )
        connection.execute(f"analyze {table}".encode())
    return connection.execute(
        """
        with lone_listed as (
            select listed.* from listed
            where not exists (select from insured where insured.key = listed.key)
        ),
        lone_insured as (
            select insured.* from insured
            where not exists (select from listed where listed.key = insured.key)
        ),
        listed_once as (
            select name, birth, sex, county from lone_listed
            group by name, birth, sex, county having count(distinct key) = 1
        ),
        insured_once as (
            select name, birth, sex, county, min(key) as key from lone_insured
            group by name, birth, sex, county having count(distinct key) = 1
        )
        insert into vault.alias_candidate
            (delivery_id, row_no, alias_key, person_key, evidence)
        select l._delivery_id, l._row_no, l.key, i.key, %(evidence)s
        from lone_listed as l
        inner join listed_once using (name, birth, sex, county)
        inner join insured_once as i using (name, birth, sex, county)
        """,
        {"evidence": EVIDENCE},
    ).rowcount

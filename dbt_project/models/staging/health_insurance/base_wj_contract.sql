-- H6 家庭医生签约: a person under contract with a family doctor for a chronic illness.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.admdvs)',
} -%}
{%- set text_columns = ['team', 'chronic_kind'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['signed_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set whole_columns = ['service_year'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{{ base(
    'wj_contract',
    delivery='snapshot',
    columns=columns,
    grain=['person_key', 'chronic_kind'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'chronic_kind') ~ ' is null'),
        ('D14', unreadable(day_columns)),
        ('D13', unreadable(whole_columns)),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=previous_period(),
) }}

-- H7 慢病随访: a follow-up visit to a chronically ill person.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.admdvs)',
} -%}
{%- set text_columns = ['followup_id', 'chronic_kind'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['visited_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['is_controlled'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'wj_followup',
    delivery='increment',
    columns=columns,
    grain=['followup_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'chronic_kind') ~ ' is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=year_back_period(),
) }}

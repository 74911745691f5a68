-- H1 参保登记: an enrolment of a person in a scheme for a plan year.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'stated_sex': "case when parse.text(r.gend) in ('1', '2') then parse.text(r.gend) end",
    'stated_birth_date': cell('day', 'brdy'),
    'ethnic_code': 'ethnic_group.gb_code',
} -%}
{%- set text_columns = ['psn_no', 'insutype', 'psn_insu_stas', 'insuplc_admdvs'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['begntime', 'endtime'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{{ base(
    'yb_enrol',
    delivery='snapshot',
    columns=columns,
    grain=['psn_no', 'insutype', 'begntime'],
    defects=[
        ('D04', 'person.key is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=[
        vault_join('person', 'certno'),
        code_join('ethnic', 'national', 'naty', 'ethnic_group'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

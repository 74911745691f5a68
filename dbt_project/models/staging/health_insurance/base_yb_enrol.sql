-- H1 参保登记: an enrolment of a person in a scheme for a plan year.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update(cells('text', ['psn_no', 'insutype', 'psn_insu_stas', 'insuplc_admdvs'])) -%}
{%- do columns.update(cells('day', ['begntime', 'endtime'])) -%}
{{ config(materialized='table') }}
{{ base(
    'yb_enrol',
    delivery='snapshot',
    columns=columns,
    grain=['psn_no', 'insutype', 'begntime'],
    defects=[
        ('D04', 'person.key is null'),
        ('D14', unreadable('day', ['begntime', 'endtime'])),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=previous_period(),
) }}

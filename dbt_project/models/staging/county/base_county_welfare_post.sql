-- C9 公益性岗位: a welfare post, who holds it, and what was paid for the month.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'person_key': 'person.key',
    'post_code': 'listed.post_type',
} -%}
{%- set text_columns = ['post_name', 'post_type'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['started_on', 'ended_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set money_columns = ['allowance_m', 'paid_amt'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_welfare_post',
    delivery='snapshot',
    columns=columns,
    grain=['person_key', 'post_name'],
    defects=[
        ('D02', 'household.key is null'),
        ('D04', 'person.key is null'),
        ('D21', 'listed.post_type is null'),
        ('D14', unreadable(day_columns)),
        ('D13', unreadable(money_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        vault_join('person', 'cert_no'),
        label_join('ref_post_type', 'label', 'post_type', 'listed'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

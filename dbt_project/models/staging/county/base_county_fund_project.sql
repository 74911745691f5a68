-- C10 衔接资金项目: a project, its budget and what has been paid to date, yuan.
{{ config(materialized='table') }}
{%- set columns = {} -%}
{%- set text_columns = ['fund_level', 'project_no', 'project_name', 'project_type', 'state'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['started_on', 'completed_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set whole_columns = ['fund_year', 'benefit_households'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set money_columns = ['budget_amt', 'paid_amt'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_fund_project',
    delivery='snapshot',
    columns=columns,
    grain=['project_no'],
    defects=[
        ('D21', cell('text', 'fund_level') ~ ' is null'),
        ('D14', unreadable('day', day_columns)),
        ('D13', unreadable('whole', whole_columns) ~ ' or ' ~ unreadable('money', money_columns)),
    ],
    reads_from=previous_period(),
) }}

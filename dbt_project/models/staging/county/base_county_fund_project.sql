-- C10 衔接资金项目: a project, its budget and what has been paid to date, yuan.
{{ config(materialized='table') }}
{%- set columns = {
    'level_code': 'level.fund_level',
    'type_code': 'listed.project_type',
    'state_code': 'state.project_state',
    'is_industry': 'listed.is_industry',
} -%}
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
        ('D02', cell('text', 'project_no') ~ ' is null'),
        ('D21', 'level.fund_level is null or listed.project_type is null'
            ~ ' or state.project_state is null'),
        ('D14', unreadable(day_columns)),
        ('D13', cell('whole', 'fund_year') ~ ' is null or ' ~ unreadable(whole_columns)
            ~ ' or ' ~ unreadable(money_columns)),
    ],
    joins=[
        label_join('ref_fund_level', 'label', 'fund_level', 'level'),
        label_join('ref_project_type', 'label', 'project_type', 'listed'),
        label_join('ref_project_state', 'label', 'state', 'state'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

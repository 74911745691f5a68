-- C1 户信息: a household as its county reports it for a month. The head is known by the persons file.
{%- set columns = {} -%}
{%- do columns.update({'household_key': 'household.key'}) -%}
{%- do columns.update({'monitor_code': 'monitor.monitor_category'}) -%}
{%- do columns.update(cells('text', ['township', 'village', 'household_type', 'monitor_category'])) -%}
{%- do columns.update(cells('month', ['first_identified_ym', 'monitored_ym', 'cleared_ym'])) -%}
{%- do columns.update(cells('flag', ['risk_cleared', 'no_labour_safety_net', 'resettled', 'safe_water'])) -%}
{%- do columns.update(cells('text', ['clear_method', 'risk_1', 'risk_2', 'risk_3', 'dwelling_grade'])) -%}
{%- do columns.update(cells('whole', ['member_count'])) -%}
{%- do columns.update(cells('money', ['net_income_pp'])) -%}
{{ config(materialized='table') }}
{{ base(
    'county_household',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', cell('text', 'monitor_category') ~ ' is not null and monitor.monitor_category is null'),
        ('D14', unreadable('month', ['first_identified_ym', 'monitored_ym', 'cleared_ym'])),
        ('D13', unreadable('whole', ['member_count']) ~ ' or ' ~ unreadable('money', ['net_income_pp'])),
    ],
    joins=vault_join('household', 'household_no') ~ '\n    ' ~ 'left join ' ~ ref('ref_monitor_category') ~ ' as monitor on monitor.label = parse.text(r.monitor_category)',
    reads_from=previous_period(),
) }}

-- C8 务工监测: one person of working age and his work in the month.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'person_key': 'person.key',
    'channel_code': 'channel.job_channel',
    'place_code': 'place.work_place',
} -%}
{%- set text_columns = ['channel', 'industry', 'employer', 'place'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['started_on', 'ended_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['is_employed', 'is_planned'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{%- set whole_columns = ['months_last_6'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set money_columns = ['wage_m', 'wage_arrears'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_employment',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'person_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D04', 'person.key is null'),
        ('D21', unmapped('channel', 'channel.job_channel')),
        ('D21', unmapped('place', 'place.work_place')),
        ('D14', unreadable(day_columns)),
        ('D13', unreadable(whole_columns) ~ ' or ' ~ unreadable(money_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        vault_join('person', 'cert_no'),
        label_join('ref_job_channel', 'label', 'channel', 'channel'),
        label_join('ref_work_place', 'label', 'place', 'place'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

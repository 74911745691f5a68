-- C4 识别线索与程序: a clue that a household is at risk, and the dates of its procedure; the register to
-- date.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'channel_code': 'clue_channel.channel',
} -%}
{%- set text_columns = [
    'clue_no', 'channel', 'risk', 'urgency', 'result', 'reject_reason', 'alert_no',
] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = [
    'received_on', 'verified_on', 'reviewed_on', 'notice_start', 'notice_end',
    'county_approved_on', 'entered_on', 'first_measure_on',
] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['green_channel'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'county_clue',
    delivery='snapshot',
    columns=columns,
    grain=['clue_no'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', 'clue_channel.channel is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        label_join('ref_clue_channel', 'label', 'channel', 'clue_channel'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

-- C11 住房安全: the dwelling of a household, its grade (JGJ/T 363-2014) and works. A household that has
-- a house and no grade, or a grade on no list, cannot be judged.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'grade_code': 'assessed.grade',
    'grade_after_code': 'after_works.grade',
} -%}
{%- set text_columns = ['grade', 'damage_cause', 'works', 'grade_after'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['assessed_on', 'damaged_on', 'works_done_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['has_house', 'is_only_house'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'county_dwelling',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', [
            'coalesce(' ~ cell('flag', 'has_house') ~ ', true) and assessed.grade is null',
            unmapped('grade', 'assessed.grade'),
            unmapped('grade_after', 'after_works.grade'),
        ] | join(' or ')),
        ('D14', unreadable(day_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        label_join('ref_dwelling_grade', 'label', 'grade', 'assessed'),
        label_join('ref_dwelling_grade', 'label', 'grade_after', 'after_works'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

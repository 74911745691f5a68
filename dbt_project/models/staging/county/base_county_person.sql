-- C2 家庭成员: a member of a household. Sex and birth date are those of the ID: the files contradict it at times.
{%- set columns = {} -%}
{%- do columns.update({'household_key': 'household.key'}) -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update({'sex': "case when substr(person.value, 17, 1)::integer % 2 = 1 then '1' when person.value is not null then '2' end"}) -%}
{%- do columns.update({'birth_date': "to_date(substr(person.value, 7, 8), 'YYYYMMDD')"}) -%}
{%- do columns.update({'ethnic_code': 'ethnic_group.gb_code'}) -%}
{%- do columns.update({'is_present': 'known_status.is_present'}) -%}
{%- do columns.update(cells('text', ['relation', 'education', 'school_status', 'health', 'labour', 'status'])) -%}
{%- do columns.update(cells('whole', ['work_months'])) -%}
{%- do columns.update(cells('flag', ['resident_insured', 'employee_insured', 'dibao', 'tekun'])) -%}
{%- do columns.update(cells('month', ['person_ym'])) -%}
{{ config(materialized='table') }}
{{ base(
    'county_person',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'person_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D04', 'person.key is null'),
        ('D21', 'known_status.status is null'),
    ],
    joins=vault_join('household', 'household_no') ~ '\n    ' ~ vault_join('person', 'cert_no') ~ '\n    ' ~ 'left join ' ~ ref('ref_person_status') ~ ' as known_status on known_status.status = parse.text(r.status)' ~ '\n    ' ~ 'left join ' ~ ref('ref_ethnic_group') ~ ' as ethnic_group on ethnic_group.county_code = parse.text(r.ethnic)',
    reads_from=previous_period(),
) }}

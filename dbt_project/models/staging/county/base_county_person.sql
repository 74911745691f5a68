-- C2 家庭成员: a member of a household. Sex and birth date are those of the ID, or
-- without a usable ID those of whom the row was linked to; what the file says of them is beside it.
{{ config(materialized='table') }}
{#- The number as written, without blanks and apostrophes; only its shape goes further. -#}
{%- set written = "translate(r.cert_no, ' ''`’' || chr(9) || chr(12288), '')" -%}
{%- set core = 'substr(' ~ written ~ ', 1, 18)' -%}
{%- set columns = {
    'household_key': 'household.key',
    'person_key': 'person.key',
    'identity_source': "case when person_id.key is null then 'linked_person' else 'resident_id' end",
    'sex': 'person.sex',
    'birth_date': 'person.birth_date',
    'stated_sex': "nullif(stated_sex.gb_code, '9')",
    'stated_birth_date': cell('day', 'birth_date'),
    'ethnic_code': 'ethnic_group.gb_code',
    'is_present': 'known_status.is_present',
    'cert_length': 'length(' ~ written ~ ')',
    'cert_kind_digit': "nullif(substr(" ~ written ~ ", 19, 1), '')",
    'is_cert_core_valid': 'case when length(' ~ written ~ ') in (20, 22) then vault.is_resident_id('
        ~ core ~ ') end',
} -%}
{%- set text_columns = [
    'relation', 'education', 'school_status', 'health', 'labour', 'status',
] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set whole_columns = ['work_months'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set flag_columns = [
    'resident_insured', 'employee_insured', 'serious_illness_insured', 'dibao', 'tekun',
] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{%- set month_columns = ['person_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
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
    joins=[
        vault_join('household', 'household_no'),
        vault_join('person', 'cert_no'),
        label_join('ref_person_status', 'status', 'status', 'known_status'),
        code_join('ethnic', 'county', 'ethnic', 'ethnic_group'),
        code_join('sex', 'county', 'sex', 'stated_sex'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}

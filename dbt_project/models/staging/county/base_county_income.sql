-- C3 收入情况: income of a household over the trailing twelve months, by class, in yuan.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
} -%}
{%- set money_columns = [
    'a_wage', 'a1_migrant_work', 'a2_department_post', 'a3_township_post', 'a4_village_post',
    'a5_picking', 'b_business', 'b1_crops', 'b2_livestock', 'b3_forestry',
    'b4_other_business', 'c_property', 'c1_asset_dividend', 'c2_land_transfer', 'c3_finance',
    'c4_entrusted_farming', 'c5_other_property', 'd_transfer', 'd1_family_planning',
    'd2_dibao', 'd3_tekun', 'd4_pension', 'd5_ecology', 'd6_other_transfer',
    'e_business_expense', 'e1_crops_expense', 'e2_livestock_expense', 'e3_forestry_expense',
    'e4_other_expense', 'claims_income', 'compliant_self_pay',
] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_income',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D13', unreadable(money_columns)),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}

-- Which layers of assistance each household has in the month, and where one seems to be missing. A
-- possible miss is a lead for a household check, not a finding.
{%- set groups = [
    'industry', 'employment', 'finance', 'welfare_post', 'housing', 'water', 'health',
    'compulsory_education', 'other_education', 'social_protection', 'social_help', 'relocation',
    'living_conditions', 'infrastructure',
] %}
with standard as (
    -- The year's standard, or the last one known before.
    select
        yuan_pp_m * 12 as dibao_standard_year_pp,
        verified as dibao_standard_verified
    from {{ ref('ref_dibao_standard') }}
    where
        area_code = '431000'
        and urban_rural = '2'
        and year <= '{{ build_var("period")[:4] }}'::integer
    order by year desc
    limit 1
),

threshold as (
    select
        max(value) filter (where code = 'missed_monitoring_temp_aid_count') as aid_count,
        max(value) filter (where code = 'missed_monitoring_disability_grade') as severe_grade
    from {{ ref('ref_threshold') }}
    where
        effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

granted as (
    select
        household_key,
        count(*) filter (where is_dibao_covered)::integer as dibao_members,
        count(*) filter (where is_tekun)::integer as tekun_members,
        sum(temp_aid_12m_count)::integer as temp_aid_12m_count,
        count(*) filter (where has_living_subsidy)::integer as living_subsidy_members,
        count(*) filter (where has_care_subsidy)::integer as care_subsidy_members,
        sum(disability_subsidy_amt) as disability_subsidy_amt,
        min(disability_grade) as worst_grade,
        count(*) filter (where is_orphan)::integer as orphan_members
    from {{ ref('person_assistance') }}
    group by household_key
),

low_income as (
    select
        person.household_key,
        bool_or(layer.layer = 'edge') as has_low_income_edge,
        bool_or(layer.layer = 'rigid_expense') as has_rigid_expense,
        bool_or(layer.layer = 'other') as has_other_low_income
    from {{ ref('stg_mz_low_income') }} as family
    inner join {{ ref('ref_low_income_layer') }} as layer on family.layer = layer.label
    inner join {{ ref('dim_person') }} as person on family.head_person_key = person.person_key
    where
        family.recognised_on <= {{ month_end() }}
        and (family.ended_on is null or family.ended_on > {{ month_end() }})
        and (family.valid_to is null or family.valid_to >= {{ month_end() }})
    group by person.household_key
),

measure as (
    select
        measure.household_key,
        {%- for group in groups %}
        bool_or(known.measure_group = '{{ group }}') as measure_{{ group }},
        {%- endfor %}
        measure.county_code
    from {{ ref('stg_county_measure') }} as measure
    inner join {{ ref('ref_measure_group') }} as known on measure.measure_type = known.label
    where measure.period = {{ period() }} and measure.implementation = '已实施'
    group by measure.household_key, measure.county_code
),

dwelling as (
    select
        household_key,
        county_code,
        bool_or(coalesce(dwelling_grade, '') ~ '^[CDＣＤ]') as is_unsafe
    from {{ ref('stg_county_household') }}
    where period = {{ period() }}
    group by household_key, county_code
),

layered as (
    select
        household.*,
        coalesce(granted.dibao_members, 0) as dibao_members,
        coalesce(granted.tekun_members, 0) as tekun_members,
        coalesce(low_income.has_low_income_edge, false) as has_low_income_edge,
        coalesce(low_income.has_rigid_expense, false) as has_rigid_expense,
        coalesce(low_income.has_other_low_income, false) as has_other_low_income,
        coalesce(granted.temp_aid_12m_count, 0) as temp_aid_12m_count,
        coalesce(granted.living_subsidy_members, 0) as living_subsidy_members,
        coalesce(granted.care_subsidy_members, 0) as care_subsidy_members,
        coalesce(granted.disability_subsidy_amt, 0) as disability_subsidy_amt,
        coalesce(granted.orphan_members, 0) as orphan_members,
        {%- for group in groups %}
        coalesce(measure.measure_{{ group }}, false) as measure_{{ group }},
        {%- endfor %}
        standard.dibao_standard_year_pp,
        coalesce(standard.dibao_standard_verified, false) as dibao_standard_verified,
        coalesce(household.is_below_line, false) as signal_below_line,
        household.is_high_burden as signal_high_burden,
        coalesce(granted.temp_aid_12m_count >= threshold.aid_count, false) as signal_repeated_aid,
        coalesce(dwelling.is_unsafe, false) as signal_unsafe_dwelling,
        coalesce(granted.worst_grade::integer <= threshold.severe_grade, false)
            as signal_severe_disability
    from {{ ref('household_month') }} as household
    left join granted on household.household_key = granted.household_key
    left join low_income on household.household_key = low_income.household_key
    left join measure
        on
            household.household_key = measure.household_key
            and household.county_code = measure.county_code
    left join dwelling
        on
            household.household_key = dwelling.household_key
            and household.county_code = dwelling.county_code
    left join standard on true
    left join threshold on true
),

counted as (
    select
        layered.*,
        layered.has_dibao
        or layered.has_tekun
        or layered.has_low_income_edge
        or layered.has_rigid_expense as has_layer,
        layered.signal_below_line::integer
        + layered.signal_high_burden::integer
        + layered.signal_repeated_aid::integer
        + layered.signal_unsafe_dwelling::integer
        + layered.signal_severe_disability::integer as risk_signals
    from layered
)

select
    {{ period() }}::text as period,
    household_key,
    county_code,
    household_type,
    monitor_status,
    members,
    has_dibao,
    dibao_members,
    dibao_paid_amt,
    has_tekun,
    tekun_members,
    has_low_income_edge,
    has_rigid_expense,
    has_other_low_income,
    has_layer,
    temp_aid_12m_count,
    temp_aid_12m_amt,
    living_subsidy_members,
    care_subsidy_members,
    disability_subsidy_amt,
    orphan_members,
    {%- for group in groups %}
    measure_{{ group }},
    {%- endfor %}
    measures_in_place,
    net_income_pp,
    dibao_standard_year_pp,
    dibao_standard_verified,
    signal_below_line,
    signal_high_burden,
    signal_repeated_aid,
    signal_unsafe_dwelling,
    signal_severe_disability,
    risk_signals,
    -- 漏保: monitored, in no layer, and poorer than the allowance would make it.
    coalesce(
        monitor_status = 'in_force' and not has_layer and net_income_pp < dibao_standard_year_pp,
        false
    ) as possible_missed_dibao,
    -- 漏测: on the allowance with signs of risk, and not monitored.
    has_dibao and monitor_status <> 'in_force' and risk_signals > 0 as possible_missed_monitoring
from counted

-- Records that contradict each other or a rule, with both sides shown. Which side is right is for
-- the departments to find out: each case names who looks first, and where.
with found as (
    select * from {{ ref('conflict_deceased') }}
    union all
    select * from {{ ref('conflict_assistance') }}
    union all
    select * from {{ ref('conflict_county') }}
    union all
    select
        missed.case_type,
        coverage.household_key as case_key,
        'household' as subject,
        null::text as person_key,
        coverage.household_key,
        coverage.county_code,
        missed.left_value,
        missed.right_value,
        null::text[] as left_rows,
        null::text[] as right_rows
    from {{ ref('assistance_coverage') }} as coverage
    cross join
        lateral (
            values (
                'possible_missed_dibao',
                coverage.net_income_pp::text,
                coverage.dibao_standard_year_pp::text,
                coverage.possible_missed_dibao
            ),
            (
                'possible_missed_monitoring',
                coverage.monitor_status,
                coverage.risk_signals::text,
                coverage.possible_missed_monitoring
            )
        ) as missed (case_type, left_value, right_value, is_case)
    where missed.is_case
)

select
    {{ period() }}::text as period,
    found.case_type,
    found.case_key,
    known.name_zh as case_name_zh,
    found.subject,
    found.person_key,
    found.household_key,
    found.county_code,
    known.severity,
    known.left_source,
    found.left_value,
    coalesce(found.left_rows, '{}') as left_rows,
    known.right_source,
    found.right_value,
    coalesce(found.right_rows, '{}') as right_rows,
    known.corrected_by_zh,
    known.first_step_zh,
    known.verified as rule_verified
from found
inner join {{ ref('county_status') }} as status
    on found.county_code = status.county_code and status.is_published
inner join {{ ref('ref_reconciliation_case') }} as known on found.case_type = known.case_type

-- Members of compulsory school age: 6 to 15 completed years on the last 31 August. A state that no
-- code list knows is unknown, and unknown is not at school and not a dropout.
with cutoff as (
    select
        max(day) filter (where day <= {{ month_end() }}) as now,
        max(day) filter (where day < {{ month_start() }}) as before
    from (
        select make_date('{{ build_var("period")[:4] }}'::integer - ago, 8, 31) as day
        from generate_series(0, 1) as years (ago)
    ) as summers
),

listed as (
    select
        person.person_key,
        person.household_key,
        person.county_code,
        stated.period,
        {{ source_row('county_person', 'stated') }} as source_row,
        extract(year from age(
            case when stated.period = {{ period() }} then cutoff.now else cutoff.before end,
            person.birth_date
        ))::integer as school_age,
        case
            when status.is_at_school then 'at_school'
            when status.is_excused then 'excused'
            when not status.is_at_school then 'dropout'
            else 'unknown'
        end as state
    from {{ ref('stg_county_person') }} as stated
    -- Last month's state counts wherever the person was listed then: who moves is no new dropout.
    inner join {{ ref('dim_person') }} as person
        on
            stated.person_key = person.person_key
            and (
                stated.period = {{ previous_period() }}
                or (
                    stated.household_key = person.household_key
                    and stated.county_code = person.county_code
                )
            )
    left join {{ ref('ref_school_status') }} as status on stated.school_status = status.code
    cross join cutoff
    where person.birth_date > {{ month_start() }} - interval '18 years'
)

select
    person_key,
    household_key,
    county_code,
    source_row,
    school_age,
    state,
    was_dropout
from (
    select
        listed.*,
        -- A window and no join of listed to itself, which would be planned as a nested loop.
        coalesce(
            bool_or(
                listed.period = {{ previous_period() }}
                and listed.school_age between 6 and 15
                and listed.state = 'dropout'
            ) over (partition by listed.person_key),
            false
        ) as was_dropout
    from listed
) as compared
where period = {{ period() }} and school_age between 6 and 15

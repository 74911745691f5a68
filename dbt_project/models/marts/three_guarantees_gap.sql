-- Each household against each guarantee: the worst of its criteria decides. What no record says is
-- unknown and never met. A record of a department states the guarantee; what the month's visitor
-- wrote stands beside it.
with standard as (
    select *
    from {{ ref('ref_guarantee_standard') }}
    where
        effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

education as (
    select
        household_key,
        count(*) as concerned,
        count(*) filter (where state = 'dropout') as dropouts,
        count(*) filter (where was_dropout) as dropouts_before,
        count(*) filter (where state = 'unknown') as unknown,
        (array_agg(source_row order by source_row) filter (where state = 'dropout'))[1:10]
            as source_rows
    from {{ ref('schooling_state') }}
    group by household_key
),

enrolment as (
    select
        person_key,
        bool_or(period = {{ period() }} and coalesce(endtime, 'infinity') >= {{ month_end() }})
            as is_insured,
        bool_or(
            period = {{ previous_period() }}
            and coalesce(endtime, 'infinity') >= {{ month_start() }} - 1
        )
            as was_insured
    from {{ ref('stg_yb_enrol') }}
    where
        psn_insu_stas = '1'
        and begntime
        <= case when period = {{ period() }} then {{ month_end() }} else {{ month_start() }} - 1 end
    group by person_key
),

enrolment_file as (
    select
        coalesce(bool_or(period = {{ period() }}), false) as is_here,
        coalesce(bool_or(period = {{ previous_period() }}), false) as was_here
    from {{ ref('stg_yb_enrol') }}
),

medical as (
    select
        person.household_key,
        count(*) as concerned,
        count(*) filter (where not coalesce(enrolment.is_insured, false)) as uninsured,
        count(*) filter (where not coalesce(enrolment.was_insured, false)) as uninsured_before,
        (
            array_agg({{ source_row('county_person', 'stated') }} order by stated.row_no)
            filter (where not coalesce(enrolment.is_insured, false))
        )[1:10
        ] as source_rows
    from {{ ref('dim_person') }} as person
    inner join {{ ref('stg_county_person') }} as stated
        on
            person.person_key = stated.person_key
            and person.household_key = stated.household_key
            and person.county_code = stated.county_code
            and stated.period = {{ period() }}
    left join enrolment on person.person_key = enrolment.person_key
    where not person.is_deceased
    group by person.household_key
),

water_before as (
    -- Of a household that was renumbered or moved since, by its present number.
    select
        coalesce(alias.current_household_key, water.household_key) as household_key,
        case when alias.household_key is null then water.county_code end as county_code,
        water.quality_ok,
        water.litres_per_day,
        water.fetch_minutes,
        water.assurance_pct,
        water.outage_days
    from {{ ref('stg_county_water') }} as water
    left join {{ ref('household_alias') }} as alias on water.household_key = alias.household_key
    where water.period = {{ previous_period() }}
),

record as (
    select
        household.household_key,
        household.county_code,
        household.village_code,
        household.members,
        dwelling.source_row as dwelling_row,
        dwelling.has_house,
        dwelling.grade,
        dwelling.graded_on,
        dwelling.is_only_damaged,
        dwelling.damaged_on,
        water.quality_ok,
        water.litres_per_day,
        water.fetch_minutes,
        water.assurance_pct,
        water.outage_days,
        case when water.household_key is not null then {{ source_row('county_water', 'water') }} end
            as water_row,
        water_before.quality_ok as quality_ok_before,
        water_before.litres_per_day as litres_before,
        water_before.fetch_minutes as minutes_before,
        water_before.assurance_pct as assurance_before,
        water_before.outage_days as outage_before,
        coalesce(education.concerned, 0) as children,
        case
            when coalesce(education.dropouts, 0) > 0 or coalesce(education.unknown, 0) = 0
                then coalesce(education.dropouts, 0)
        end as dropouts,
        coalesce(education.dropouts_before, 0) as dropouts_before,
        education.source_rows as education_rows,
        coalesce(medical.concerned, 0) as insurable,
        case when enrolment_file.is_here then coalesce(medical.uninsured, 0) end as uninsured,
        case when enrolment_file.was_here then coalesce(medical.uninsured_before, 0) end
            as uninsured_before,
        medical.source_rows as medical_rows,
        visit.visited_on,
        visit.food_ok,
        visit.clothing_ok,
        case when visit.is_in_month then visit.housing_problem end as housing_problem,
        case when visit.is_in_month then visit.dropout_problem end as dropout_problem,
        case when visit.is_in_month then visit.water_problem end as water_problem,
        case when visit.is_in_month then visit.uninsured_problem end as uninsured_problem,
        visit.source_row as visit_row
    from {{ ref('dim_household') }} as household
    cross join enrolment_file
    left join {{ ref('dwelling_state') }} as dwelling
        on household.household_key = dwelling.household_key
    left join {{ ref('stg_county_water') }} as water
        on
            household.household_key = water.household_key
            and household.county_code = water.county_code
            and water.period = {{ period() }}
    left join water_before
        on
            household.household_key = water_before.household_key
            and household.county_code
            = coalesce(water_before.county_code, household.county_code)
    left join education on household.household_key = education.household_key
    left join medical on household.household_key = medical.household_key
    left join {{ ref('last_visit') }} as visit on household.household_key = visit.household_key
),

reading as (
    select
        record.household_key,
        record.county_code,
        record.village_code,
        record.visited_on,
        reading.*
    from record
    cross join lateral (
        values
        (
            'food',
            'food_short',
            (not record.food_ok)::integer::numeric,
            null::numeric,
            record.visited_on,
            record.members, 'county_visit', array[record.visit_row], null::boolean
        ),
        (
            'clothing',
            'clothing_short',
            (not record.clothing_ok)::integer,
            null,
            record.visited_on,
            record.members, 'county_visit', array[record.visit_row], null
        ),
        (
            'education', 'dropouts', record.dropouts, record.dropouts_before, null,
            record.children, 'county_person', record.education_rows, record.dropout_problem
        ),
        (
            'medical', 'uninsured_members', record.uninsured, record.uninsured_before, null,
            record.insurable, 'yb_enrol', record.medical_rows, record.uninsured_problem
        ),
        (
            'housing', 'no_house', (not record.has_house)::integer, null, null,
            record.members, 'county_dwelling', array[record.dwelling_row], record.housing_problem
        ),
        (
            'housing', 'grade_rank', strpos('ABCD', record.grade), null, record.graded_on,
            record.members, 'county_dwelling', array[record.dwelling_row], record.housing_problem
        ),
        (
            'housing',
            'only_house_damaged',
            record.is_only_damaged::integer,
            null,
            record.damaged_on,
            record.members, 'county_dwelling', array[record.dwelling_row], record.housing_problem
        ),
        (
            'water', 'quality_failed', (not record.quality_ok)::integer,
            (not record.quality_ok_before)::integer, null,
            record.members, 'county_water', array[record.water_row], record.water_problem
        ),
        (
            'water', 'litres_per_day', record.litres_per_day, record.litres_before, null,
            record.members, 'county_water', array[record.water_row], record.water_problem
        ),
        (
            'water', 'fetch_minutes', record.fetch_minutes, record.minutes_before, null,
            record.members, 'county_water', array[record.water_row], record.water_problem
        ),
        (
            'water', 'assurance_pct', record.assurance_pct, record.assurance_before, null,
            record.members, 'county_water', array[record.water_row], record.water_problem
        ),
        (
            'water', 'outage_days', record.outage_days, record.outage_before, null,
            record.members, 'county_water', array[record.water_row], record.water_problem
        )
    ) as reading (
        guarantee, criterion, value, value_before, recorded_on,
        concerned, source_kind, source_rows, visit_problem
    )
),

judged as (
    select
        reading.*,
        standard.ordinal,
        standard.meets_value,
        standard.basic_value,
        standard.unit,
        standard.verified,
        case
            when reading.value is null then 1
            when standard.operator = '<=' and reading.value > standard.basic_value then 0
            when standard.operator = '>=' and reading.value < standard.basic_value then 0
            when standard.operator = '<=' and reading.value > standard.meets_value then 2
            when standard.operator = '>=' and reading.value < standard.meets_value then 2
            else 3
        end as level,
        coalesce(
            case standard.operator
                when '<=' then reading.value_before > standard.basic_value
                else reading.value_before < standard.basic_value
            end,
            false
        ) as was_gap
    from reading
    inner join standard
        on reading.guarantee = standard.guarantee and reading.criterion = standard.criterion
    where standard.is_required or reading.value is not null
),

worst as (
    select distinct on (household_key, guarantee) *
    from judged
    order by household_key, guarantee, level, ordinal
)

select
    {{ period() }}::text as period,
    household_key,
    guarantee::text as guarantee,
    county_code,
    village_code,
    case level when 0 then 'gap' when 1 then 'unknown' else 'met' end as state,
    case level when 2 then 'basic' when 3 then 'full' end as level,
    criterion::text as criterion,
    value as measured_value,
    meets_value,
    basic_value,
    unit,
    case
        when value is null or unit = 'flag' then null
        when unit = 'grade' then substr('ABCD', value::integer, 1) || '级'
        else trim_scale(value)::text || unit
    end as measured_zh,
    case
        when level > 0 then null
        when recorded_on is not null then recorded_on
        when was_gap then ({{ month_start() }} - interval '1 month')::date
        else {{ month_start() }}
    end as gap_since,
    level = 0 and recorded_on is null and was_gap as is_gap_older,
    concerned::integer as persons_concerned,
    case when unit = '人' and level <> 1 then value::integer end as persons_affected,
    source_kind::text as source_kind,
    case when level <> 1 then array_remove(source_rows, null) end as source_rows,
    case when level <> 1 then visit_problem <> (level = 0) end as is_contradicted_by_visit,
    visited_on as last_visit_on,
    verified as is_standard_verified
from worst

with household_file as (
    select distinct on (household_key, county_code)
        household_key,
        county_code,
        monitored_ym,
        no_labour_safety_net,
        risk_2,
        risk_3,
        -- What the household file itself says of dwelling and water; null where it says nothing.
        (coalesce(dwelling_grade, '') !~ '^[CDＣＤ]') and coalesce(safe_water, true)
            as are_guarantees_met,
        dwelling_grade is not null or safe_water is not null as has_guarantees
    from {{ ref('stg_county_household') }}
    where period = {{ period() }}
    order by household_key, county_code, row_no
),

register as (
    select distinct county_code
    from {{ ref('stg_county_clue') }}
    where period = {{ period() }}
),

help as (
    select
        episode.household_key,
        episode.episode_no,
        min(measure.started_ym) as first_measure_ym
    from {{ ref('household_episode') }} as episode
    inner join {{ ref('stg_county_measure') }} as measure
        on
            episode.household_key = measure.household_key
            and episode.monitored_ym <= measure.started_ym
            and coalesce(episode.next_monitored_ym, '9999-12') > measure.started_ym
    where measure.period = {{ period() }} and measure.implementation = '已实施'
    group by episode.household_key, episode.episode_no
),

line as (
    select
        yuan_pp as income_line_pp,
        verified as income_line_verified
    from {{ ref('ref_income_line') }}
    where area_code = '431000' and year = '{{ build_var("period")[:4] }}'::integer
),

criterion as (
    select
        max(threshold) filter (where criterion = 'months_since_recognition') as least_months,
        max(threshold) filter (where criterion = 'income_to_line') as least_income,
        max(threshold) filter (where criterion = 'measures_in_place') as least_measures
    from {{ ref('ref_elimination') }}
    where
        area_code = '431000'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

stated as (
    select
        episode.household_key,
        episode.episode_no,
        household.county_code,
        episode.episodes,
        episode.episode_no = episode.episodes as is_latest,
        episode.episode_no > 1 as is_relapse,
        episode.monitor_category,
        episode.risk_1,
        case when episode.monitored_ym = household_file.monitored_ym then household_file.risk_2 end
            as risk_2,
        case when episode.monitored_ym = household_file.monitored_ym then household_file.risk_3 end
            as risk_3,
        episode.monitored_ym,
        episode.start_basis,
        case
            when
                episode.episode_no = episode.episodes
                and household.monitor_status = 'in_force'
                and household.monitored_ym = episode.monitored_ym
                then 'in_force'
            when episode.cleared_ym is not null then 'cleared'
            else 'ended_unreported'
        end as state,
        episode.cleared_ym,
        episode.clear_method,
        household_file.no_labour_safety_net,
        case when household_file.has_guarantees then household_file.are_guarantees_met end
            as are_guarantees_met
    from {{ ref('household_episode') }} as episode
    inner join {{ ref('dim_household') }} as household
        on episode.household_key = household.household_key
    left join household_file
        on
            household.household_key = household_file.household_key
            and household.county_code = household_file.county_code
),

judged as (
    select
        stated.*,
        case
            when stated.state = 'in_force' then {{ period() }}
            when stated.state = 'cleared' then stated.cleared_ym
        end as until_ym,
        help.first_measure_ym,
        case when stated.is_latest then assistance.measures_in_place end as measures_in_place,
        case when stated.is_latest then income.net_income_pp end as net_income_pp,
        line.income_line_pp,
        line.income_line_verified,
        criterion.least_months,
        criterion.least_income,
        criterion.least_measures
    from stated
    inner join {{ ref('household_assistance') }} as assistance
        on stated.household_key = assistance.household_key
    left join {{ ref('household_income') }} as income
        on stated.household_key = income.household_key
    left join help
        on stated.household_key = help.household_key and stated.episode_no = help.episode_no
    left join line on true
    left join criterion on true
),

counted as (
    select
        judged.*,
        {{ months_between('judged.monitored_ym', 'judged.until_ym') }} as months_since_recognition
    from judged
),

tested as (
    select
        judged.*,
        case when judged.is_latest then judged.months_since_recognition >= judged.least_months end
            as meets_months,
        judged.net_income_pp >= judged.least_income * judged.income_line_pp as meets_income,
        judged.measures_in_place >= judged.least_measures as meets_measures,
        case when judged.is_latest then judged.are_guarantees_met end as meets_guarantees,
        case when judged.is_latest then not coalesce(judged.no_labour_safety_net, false) end
            as meets_labour
    from counted as judged
)

select
    {{ period() }}::text as period,
    tested.household_key,
    tested.episode_no,
    tested.county_code,
    tested.episodes,
    tested.is_latest,
    tested.is_relapse,
    tested.monitor_category,
    tested.risk_1,
    tested.risk_2,
    tested.risk_3,
    tested.monitored_ym,
    tested.start_basis,
    tested.state,
    case when tested.state = 'cleared' then tested.cleared_ym end as cleared_ym,
    case when tested.state = 'cleared' then tested.clear_method end as clear_method,
    case
        when clue.clue_no is not null then 'matched'
        when register.county_code is not null then 'missing'
        else 'no_register'
    end as clue_status,
    clue.clue_no,
    clue.channel,
    clue.is_green_channel,
    clue.received_on,
    clue.verified_on,
    clue.reviewed_on,
    clue.notice_start,
    clue.notice_end,
    clue.county_approved_on,
    clue.entered_on,
    clue.first_measure_on,
    clue.sla_regime,
    clue.notice_days,
    clue.is_notice_kept,
    clue.procedure_days,
    clue.is_procedure_kept,
    clue.recognition_days,
    clue.is_recognition_kept,
    clue.first_measure_days,
    clue.is_first_measure_kept,
    clue.sla_verified,
    clue.calendar_verified,
    tested.first_measure_ym,
    tested.measures_in_place::integer as measures_in_place,
    tested.months_since_recognition,
    tested.net_income_pp,
    case when tested.is_latest then tested.income_line_pp end as income_line_pp,
    tested.meets_months,
    tested.meets_income,
    tested.meets_measures,
    tested.meets_guarantees,
    tested.meets_labour,
    -- False as soon as one criterion fails; unknown while one is.
    tested.meets_months
    and tested.meets_income
    and tested.meets_measures
    and tested.meets_guarantees
    and tested.meets_labour as are_criteria_met,
    tested.income_line_verified as is_line_verified
from tested
left join {{ ref('episode_clue') }} as clue
    on tested.household_key = clue.household_key and tested.monitored_ym = clue.monitored_ym
left join register on tested.county_code = register.county_code

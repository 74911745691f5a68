-- Households whose monitoring goes on and that came into a county's list or left it in the month:
-- moved from or to another county, split off, or gone up in another household. What is monitored
-- is neither identified nor cleared by that. Where the records do not explain it, nothing is
-- listed, and the county's stock is not explained by its flows.
with before as (
    select
        file.household_key,
        file.county_code,
        min(file.row_no) as row_no
    from {{ ref('stg_county_household') }} as file
    inner join {{ ref('county_status') }} as status
        on
            file.county_code = status.county_code
            and status.was_complete
            and status.is_published
    where
        file.period = {{ previous_period() }}
        and file.monitor_code is not null
        and not coalesce(file.risk_cleared, false)
    group by file.household_key, file.county_code
),

-- In force before the month began, by the household's own row.
goes_on as (
    select
        household.household_key,
        household.county_code
    from {{ ref('dim_household') }} as household
    inner join {{ ref('county_status') }} as status
        on household.county_code = status.county_code and status.was_complete
    where
        household.monitored_ym < {{ period() }}
        and (
            household.monitor_status = 'in_force'
            or (household.monitor_status = 'cleared' and household.cleared_ym = {{ period() }})
        )
),

succession as (
    select
        household_key,
        successor_household_key,
        county_code,
        kind,
        first_row_no
    from {{ ref('household_succession') }}
    where since_period = {{ period() }}
),

told as (
    select
        household_key,
        county_code,
        bool_and(status = '新增') filter (where is_present) as are_all_new,
        bool_or(status = '迁出') and not bool_or(is_present) as have_left
    from {{ ref('stg_county_person') }}
    where period = {{ period() }}
    group by household_key, county_code
),

renumbered as (
    select
        succession.household_key,
        succession.successor_household_key,
        succession.county_code
    from succession
    inner join before
        on
            succession.household_key = before.household_key
            and succession.county_code = before.county_code
    where succession.kind = 'renumbered'
),

came as (
    select
        goes_on.household_key,
        goes_on.county_code,
        min(succession.kind) as kind,
        (array_agg(succession.household_key order by succession.kind, succession.first_row_no))[1]
            as other_household_key,
        coalesce(bool_or(told.are_all_new), false) as is_told
    from goes_on
    left join succession
        on
            goes_on.household_key = succession.successor_household_key
            and goes_on.county_code = succession.county_code
            and (
                succession.kind = 'relocated'
                or (
                    succession.kind = 'split'
                    and exists (
                        select 1
                        from before
                        where before.household_key = succession.household_key
                    )
                )
                or (
                    succession.kind = 'merged'
                    and not exists (
                        select 1
                        from before
                        where
                            before.household_key = succession.household_key
                            and before.county_code = succession.county_code
                    )
                )
            )
    left join told
        on
            goes_on.household_key = told.household_key
            and goes_on.county_code = told.county_code
    where
        not exists (
            select 1
            from before
            where
                before.household_key = goes_on.household_key
                and before.county_code = goes_on.county_code
        )
        and not exists (
            select 1
            from renumbered
            where
                renumbered.successor_household_key = goes_on.household_key
                and renumbered.county_code = goes_on.county_code
        )
    group by goes_on.household_key, goes_on.county_code
),

-- One that takes over the monitoring of a household gone up in it stands for it in the same list.
taken_over as (
    select
        succession.household_key,
        succession.county_code,
        row_number() over (
            partition by succession.successor_household_key, succession.county_code
            order by absorbed.row_no
        ) as turn
    from succession
    inner join goes_on
        on
            succession.successor_household_key = goes_on.household_key
            and succession.county_code = goes_on.county_code
    inner join before as absorbed
        on
            succession.household_key = absorbed.household_key
            and succession.county_code = absorbed.county_code
    where
        succession.kind = 'merged'
        and not exists (
            select 1
            from before
            where
                before.household_key = succession.successor_household_key
                and before.county_code = succession.county_code
        )
),

went as (
    select
        before.household_key,
        before.county_code,
        min(succession.kind) as kind,
        (array_agg(
            succession.successor_household_key
            order by succession.kind, succession.county_code, succession.first_row_no
        ))[1] as other_household_key,
        coalesce(bool_or(told.have_left), false) as is_told
    from before
    left join succession
        on
            before.household_key = succession.household_key
            and succession.kind in ('relocated', 'merged')
    left join told
        on before.household_key = told.household_key and before.county_code = told.county_code
    where
        not exists (
            select 1
            from {{ ref('dim_household') }} as household
            where
                household.household_key = before.household_key
                and household.county_code = before.county_code
        )
        and not exists (
            select 1
            from renumbered
            where
                renumbered.household_key = before.household_key
                and renumbered.county_code = before.county_code
        )
        and not exists (
            select 1
            from taken_over
            where
                taken_over.household_key = before.household_key
                and taken_over.county_code = before.county_code
                and taken_over.turn = 1
        )
    group by before.household_key, before.county_code
)

select
    'in' as direction,
    household_key,
    county_code,
    coalesce(kind, 'told_by_county') as kind,
    other_household_key
from came
where kind is not null or is_told
union all
select
    'out' as direction,
    household_key,
    county_code,
    coalesce(kind, 'told_by_county') as kind,
    other_household_key
from went
where kind is not null or is_told

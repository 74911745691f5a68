-- One month under two regimes, whatever its date. A household is in under a regime if its net
-- income per head lies under the regime's line, if its reference income (claims added, compliant
-- medical payments taken off) does, where the regime counts sudden hardship, or if its own
-- payments for health care since January exceed the regime's share of its net income, where the
-- regime has one.
with regime as (
    select
        regime.regime,
        line.yuan_pp * regime.line_factor as line_pp,
        regime.expense_share_of_income,
        regime.counts_ordinary_households,
        regime.counts_sudden_hardship,
        regime.verified and line.verified as is_verified
    from {{ ref('ref_policy_regime') }} as regime
    inner join {{ ref('ref_income_line') }} as line
        on line.area_code = '431000' and regime.line_year_basis = line.year
),

tested as (
    select
        household.household_key,
        household.county_code,
        household.household_type,
        household.monitor_category,
        household.monitor_status,
        household.net_income_pp,
        household.reference_income_pp,
        regime.regime,
        regime.line_pp,
        regime.is_verified,
        household.household_type like 'ex_poor%' as is_ex_poor,
        coalesce(household.net_income_pp < regime.line_pp, false) as has_low_income,
        regime.counts_sudden_hardship
        and coalesce(household.reference_income_pp < regime.line_pp, false)
        and not coalesce(household.net_income_pp < regime.line_pp, false) as has_sudden_hardship,
        case
            when regime.expense_share_of_income is null then false
            when household.net_income > 0
                then
                    household.out_of_pocket_ytd_amt
                    > regime.expense_share_of_income * household.net_income
            else household.out_of_pocket_ytd_amt > 0
        end as has_rigid_expense,
        regime.counts_ordinary_households
    from {{ ref('household_month') }} as household
    cross join regime
),

judged as (
    select
        tested.*,
        (tested.is_ex_poor or tested.counts_ordinary_households)
        and (tested.has_low_income or tested.has_sudden_hardship or tested.has_rigid_expense)
            as is_in,
        array_to_string(
            array_remove(
                array[
                    case when tested.has_low_income then 'low_income' end,
                    case when tested.has_sudden_hardship then 'sudden_hardship' end,
                    case when tested.has_rigid_expense then 'rigid_expense' end
                ],
                null
            ),
            ','
        ) as reasons
    from tested
),

compared as (
    select
        household_key,
        county_code,
        household_type,
        monitor_category,
        monitor_status,
        net_income_pp,
        reference_income_pp,
        max(line_pp) filter (where regime = 'R1') as r1_line_pp,
        max(line_pp) filter (where regime = 'R2') as r2_line_pp,
        bool_or(is_in) filter (where regime = 'R1') as is_in_r1,
        bool_or(is_in) filter (where regime = 'R2') as is_in_r2,
        max(reasons) filter (where regime = 'R1' and is_in) as r1_reasons,
        max(reasons) filter (where regime = 'R2' and is_in) as r2_reasons,
        bool_and(is_verified) as are_regimes_verified
    from judged
    group by
        household_key, county_code, household_type, monitor_category, monitor_status,
        net_income_pp, reference_income_pp
)

select
    {{ period() }}::text as period,
    household_key,
    county_code,
    household_type,
    monitor_category,
    monitor_status = 'in_force' as is_monitored,
    net_income_pp,
    reference_income_pp,
    r1_line_pp,
    is_in_r1,
    r1_reasons,
    r2_line_pp,
    is_in_r2,
    r2_reasons,
    case
        when is_in_r1 and is_in_r2 then 'stays_in'
        when is_in_r2 then 'falls_in'
        when is_in_r1 then 'falls_out'
        else 'out'
    end as change,
    are_regimes_verified
from compared
where is_in_r1 or is_in_r2 or monitor_status = 'in_force'

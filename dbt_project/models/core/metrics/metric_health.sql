-- What the rules of health insurance and health commission compare, per person or household.
-- A settlement counts in the month in which it was made; an illness or a birth in the month whose
-- delivery first told of it, if it is no older than the late notice allows; a death by its day.
with threshold as (
    select value::integer as late_notice_months
    from {{ ref('ref_threshold') }}
    where
        code = 'late_notice_months'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

notice as (
    select ({{ month_start() }} - make_interval(months => late_notice_months))::date as counts_from
    from threshold
),

settled as (
    select
        settlement.person_key,
        settlement.settled_on,
        settlement.medfee_sumamt,
        coalesce(settlement.psn_part_amt, 0) as own_amt,
        coalesce(settlement.fulamt_ownpay_amt, 0)
        + coalesce(settlement.overlmt_selfpay, 0)
        + coalesce(settlement.preselfpay_amt, 0) as out_of_list_amt,
        service.setting,
        settlement.delivery_id,
        settlement.row_no,
        {{ source_row('yb_settle', 'settlement') }} as source_row
    from {{ ref('stg_yb_settle') }} as settlement
    inner join {{ ref('dim_person') }} as person on settlement.person_key = person.person_key
    left join {{ ref('ref_med_type') }} as service on settlement.med_type = service.med_type
    where settlement.settled_on between {{ year_start() }} and {{ month_end() }}
),

-- The largest amounts are the evidence.
out_of_pocket as (
    select
        person_key,
        'oop_ytd_amt' as metric,
        sum(own_amt) as value,
        max(settled_on) as event_on,
        (array_agg(
            source_row order by abs(own_amt) desc, delivery_id asc, row_no asc
        ))[1:10] as source_rows
    from settled
    group by person_key
    having sum(own_amt) > 0
),

outpatient as (
    select
        person_key,
        'outpatient_oop_month_amt' as metric,
        sum(own_amt) as value,
        max(settled_on) as event_on,
        (array_agg(
            source_row order by abs(own_amt) desc, delivery_id asc, row_no asc
        ))[1:10] as source_rows
    from settled
    where setting = 'outpatient' and settled_on >= {{ month_start() }}
    group by person_key
    having sum(own_amt) > 0
),

out_of_list as (
    select
        person_key,
        'out_of_list_share_ytd' as metric,
        round(sum(out_of_list_amt) / sum(medfee_sumamt), 6) as value,
        max(settled_on) as event_on,
        (array_agg(
            source_row order by abs(out_of_list_amt) desc, delivery_id asc, row_no asc
        ))[1:10] as source_rows
    from settled
    where setting = 'inpatient'
    group by person_key
    having sum(medfee_sumamt) > 0 and sum(out_of_list_amt) > 0
),

-- The last day decides, and one scheme in force is enough.
enrolment as (
    select
        enrol.person_key,
        bool_or(enrol.psn_insu_stas = '1') as is_insured,
        (array_agg(
            {{ source_row('yb_enrol', 'enrol') }} order by enrol.delivery_id, enrol.row_no
        ))[1:10] as source_rows
    from {{ ref('stg_yb_enrol') }} as enrol
    where
        enrol.period = {{ period() }}
        and enrol.begntime <= {{ month_end() }}
        and coalesce(enrol.endtime, 'infinity'::date) >= {{ month_end() }}
    group by enrol.person_key
),

-- Without an accepted register nothing is known of anybody's insurance.
register as (
    select count(*) > 0 as is_delivered
    from {{ ref('stg_yb_enrol') }}
    where period = {{ period() }}
),

-- The county may have struck the member off in the same month, so its list is asked and not
-- dim_person; who is in two lists counts where he is still said to live.
listed as (
    select distinct on (member.person_key)
        member.person_key,
        member.household_key,
        {{ source_row('county_person', 'member') }} as source_row
    from {{ ref('stg_county_person') }} as member
    inner join {{ ref('dim_household') }} as household
        on
            member.household_key = household.household_key
            and member.county_code = household.county_code
    where member.period = {{ period() }}
    order by
        member.person_key asc,
        member.is_present desc,
        member.county_code asc,
        member.row_no asc
),

-- Who is in no enrolment is shown by the county's row that lists him.
coverage as (
    select
        person.person_key,
        case when enrolment.person_key is null then 'uninsured' else 'insurance_paused' end
            as metric,
        1::numeric as value,
        null::date as event_on,
        coalesce(enrolment.source_rows, array[listed.source_row]) as source_rows
    from {{ ref('dim_person') }} as person
    inner join register on register.is_delivered
    inner join listed on person.person_key = listed.person_key
    left join enrolment on person.person_key = enrolment.person_key
    left join {{ ref('known_death') }} as death
        on person.person_key = death.person_key and death.died_on <= {{ month_end() }}
    where not coalesce(enrolment.is_insured, false) and death.person_key is null
),

-- A record sent again, corrected, is no second case: its first delivery dates it.
first_case as (
    select
        record_id,
        min(period) as period
    from {{ ref('base_wj_major_disease') }}
    where person_key is not null
    group by record_id
),

illness as (
    select
        reported.person_key,
        case when disease.is_mental then 'mental_illness_new' else 'major_disease_new' end
            as metric,
        count(*)::numeric as value,
        max(reported.confirmed_on) as event_on,
        (array_agg(
            {{ source_row('wj_major_disease', 'reported') }}
            order by reported.delivery_id, reported.row_no
        ))[1:10] as source_rows
    from {{ ref('stg_wj_major_disease') }} as reported
    inner join first_case
        on reported.record_id = first_case.record_id and first_case.period = {{ period() }}
    inner join {{ ref('ref_major_disease') }} as disease on reported.category = disease.category
    cross join notice
    where reported.confirmed_on between notice.counts_from and {{ month_end() }}
    group by reported.person_key, disease.is_mental
),

first_birth as (
    select
        record_id,
        min(period) as period
    from {{ ref('base_wj_birth') }}
    where mother_person_key is not null
    group by record_id
),

birth as (
    select
        person.household_key,
        'birth_defect_new' as metric,
        count(*)::numeric as value,
        max(reported.birth_date) as event_on,
        (array_agg(
            {{ source_row('wj_birth', 'reported') }}
            order by reported.delivery_id, reported.row_no
        ))[1:10] as source_rows
    from {{ ref('stg_wj_birth') }} as reported
    inner join first_birth
        on reported.record_id = first_birth.record_id and first_birth.period = {{ period() }}
    inner join {{ ref('dim_person') }} as person on reported.mother_person_key = person.person_key
    cross join notice
    where
        reported.birth_defect
        and reported.birth_date between notice.counts_from and {{ month_end() }}
    group by person.household_key
),

dead as (
    select
        listed.household_key,
        'death_in_month' as metric,
        count(*)::numeric as value,
        max(death.died_on) as event_on,
        (array_agg(death.source_rows[1] order by death.source_rows[1]))[1:10] as source_rows
    from {{ ref('known_death') }} as death
    inner join listed on death.person_key = listed.person_key
    where death.died_on between {{ month_start() }} and {{ month_end() }}
    group by listed.household_key
),

of_persons as (
    select * from out_of_pocket
    union all
    select * from outpatient
    union all
    select * from out_of_list
    union all
    select * from coverage
    union all
    select * from illness
),

of_households as (
    select * from birth
    union all
    select * from dead
)

select
    'person' as subject,
    person.person_key as subject_key,
    person.person_key,
    person.household_key,
    person.county_code,
    found.metric,
    found.value,
    found.event_on,
    found.source_rows
from of_persons as found
inner join {{ ref('dim_person') }} as person on found.person_key = person.person_key
union all
select
    'household' as subject,
    household.household_key as subject_key,
    null::text as person_key,
    household.household_key,
    household.county_code,
    found.metric,
    found.value,
    found.event_on,
    found.source_rows
from of_households as found
inner join {{ ref('dim_household') }} as household on found.household_key = household.household_key

-- Where county files contradict each other, themselves or the enrolment of the health insurance.
with listed as (
    select
        person.person_key,
        person.household_key,
        person.county_code,
        person.row_no,
        coalesce(person.resident_insured, false) or coalesce(person.employee_insured, false)
            as says_insured,
        {{ source_row('county_person', 'person') }} as source_row
    from {{ ref('stg_county_person') }} as person
    inner join {{ ref('county_status') }} as status
        on person.county_code = status.county_code and status.is_published
    where person.period = {{ period() }} and person.is_present
),

-- Every household that lists the person has the case, with another's row on the other side: the
-- next in order, and the first for the last.
claimed as (
    select
        listed.*,
        count(*) over person as claims,
        min(listed.county_code) over person <> max(listed.county_code) over person
            as in_two_counties,
        coalesce(
            lead(listed.county_code) over in_order, first_value(listed.county_code) over in_order
        ) as other_county_code,
        coalesce(
            lead(listed.source_row) over in_order, first_value(listed.source_row) over in_order
        ) as other_row
    from listed
    window
        person as (partition by listed.person_key),
        in_order as (
            partition by listed.person_key
            order by listed.county_code, listed.row_no
        )
),

enrolment as (
    select
        enrolled.person_key,
        bool_or(
            enrolled.psn_insu_stas = '1'
            and enrolled.begntime <= {{ month_end() }}
            and coalesce(enrolled.endtime, 'infinity'::date) >= {{ month_end() }}
        ) as is_insured,
        {{ source_rows(source_row('yb_enrol', 'enrolled')) }} as source_rows
    from {{ ref('stg_yb_enrol') }} as enrolled
    where enrolled.period = {{ period() }}
    group by enrolled.person_key
),

insured as (
    select
        listed.*,
        coalesce(enrolment.is_insured, false) as is_insured,
        enrolment.source_rows
    from listed
    inner join {{ ref('dim_person') }} as person
        on
            listed.person_key = person.person_key
            and listed.household_key = person.household_key
            and listed.county_code = person.county_code
    left join enrolment on listed.person_key = enrolment.person_key
    -- A month without any enrolment was not delivered, and says nothing.
    where (select count(anybody.person_key) from enrolment as anybody) > 0
),

household as (
    select
        known.household_key,
        known.county_code,
        known.household_type,
        known.monitor_category,
        min({{ source_row('county_household', 'file') }}) as source_row
    from {{ ref('dim_household') }} as known
    inner join {{ ref('stg_county_household') }} as file
        on
            known.household_key = file.household_key
            and known.county_code = file.county_code
            and file.period = {{ period() }}
    group by
        known.household_key, known.county_code, known.household_type, known.monitor_category
)

select
    case when in_two_counties then 'person_in_two_counties' else 'person_in_two_households' end
        as case_type,
    person_key || ':' || household_key as case_key,
    'person' as subject,
    person_key,
    household_key,
    county_code,
    county_code as left_value,
    other_county_code as right_value,
    array[source_row] as left_rows,
    array[other_row] as right_rows
from claimed
where claims > 1
union all
select
    case when says_insured then 'insured_in_county_only' else 'insured_in_register_only' end
        as case_type,
    person_key as case_key,
    'person' as subject,
    person_key,
    household_key,
    county_code,
    says_insured::text as left_value,
    is_insured::text as right_value,
    array[source_row] as left_rows,
    source_rows as right_rows
from insured
where says_insured <> is_insured
union all
select
    'household_type_contradicts_kind' as case_type,
    household_key as case_key,
    'household' as subject,
    null::text as person_key,
    household_key,
    county_code,
    household_type as left_value,
    monitor_category as right_value,
    array[source_row] as left_rows,
    array[source_row] as right_rows
from household
where
    (monitor_category = '01' and household_type = 'ordinary')
    or (
        monitor_category = '02'
        and household_type in ('ex_poor_with_policy', 'ex_poor_without_policy')
    )

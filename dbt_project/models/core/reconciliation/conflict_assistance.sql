-- Where the county's files and civil affairs contradict each other about assistance, or assistance
-- contradicts its own rules. Nothing is said where the other side has delivered nothing at all.
with member as (
    select
        member.person_key,
        min(family.start_ym) as start_ym,
        {{ source_rows(source_row('mz_dibao_member', 'member')) }} as source_rows
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join {{ ref('stg_mz_dibao_family') }} as family on member.cert_no = family.cert_no
    where
        coalesce(member.covered, false)
        and family.start_ym <= {{ period() }}
        and (family.end_ym is null or family.end_ym > {{ period() }})
    group by member.person_key
),

tekun as (
    select
        support.person_key,
        min(support.start_ym) as start_ym,
        {{ source_rows(source_row('mz_tekun', 'support')) }} as source_rows
    from {{ ref('stg_mz_tekun') }} as support
    where
        support.start_ym <= {{ period() }}
        and (support.end_ym is null or support.end_ym > {{ period() }})
    group by support.person_key
),

edge as (
    select
        person.household_key,
        min(family.recognised_on) as recognised_on,
        {{ source_rows(source_row('mz_low_income', 'family')) }} as source_rows
    from {{ ref('stg_mz_low_income') }} as family
    inner join {{ ref('ref_low_income_layer') }} as layer on family.layer = layer.label
    inner join {{ ref('dim_person') }} as person on family.head_person_key = person.person_key
    where
        layer.layer = 'edge'
        and family.recognised_on <= {{ month_end() }}
        and (family.ended_on is null or family.ended_on > {{ month_end() }})
        and (family.valid_to is null or family.valid_to >= {{ month_end() }})
    group by person.household_key
),

certificate as (
    select
        household_key,
        county_code,
        bool_or(is_in_force) as is_in_force,
        min(start_ym) filter (where is_in_force) as start_ym,
        sum(paid_12m_amt) as paid_12m_amt,
        {{ source_rows('family_rows[1]') }} as source_rows
    from {{ ref('dibao_certificate') }}
    group by household_key, county_code
),

listed as (
    select
        person.person_key,
        person.household_key,
        person.county_code,
        county.dibao,
        county.tekun,
        {{ source_row('county_person', 'county') }} as source_row
    from {{ ref('dim_person') }} as person
    inner join {{ ref('stg_county_person') }} as county
        on
            person.person_key = county.person_key
            and person.household_key = county.household_key
            and person.county_code = county.county_code
            and county.period = {{ period() }}
),

delivered as (
    select
        exists(select 1 from {{ ref('stg_mz_dibao_member') }}) as has_dibao,
        exists(select 1 from {{ ref('stg_mz_tekun') }}) as has_tekun
),

-- Each side's rows of a person, brought together by grouping and not by joins.
side as (
    select
        person_key,
        household_key,
        county_code,
        dibao,
        tekun,
        source_row,
        null::text as dibao_ym,
        null::text[] as dibao_rows,
        null::text as tekun_ym,
        null::text[] as tekun_rows
    from listed
    union all
    select
        person_key,
        null as household_key,
        null as county_code,
        null as dibao,
        null as tekun,
        null as source_row,
        start_ym as dibao_ym,
        source_rows as dibao_rows,
        null as tekun_ym,
        null as tekun_rows
    from member
    union all
    select
        person_key,
        null as household_key,
        null as county_code,
        null as dibao,
        null as tekun,
        null as source_row,
        null as dibao_ym,
        null as dibao_rows,
        start_ym as tekun_ym,
        source_rows as tekun_rows
    from tekun
),

person as (
    select
        person_key,
        max(household_key) as household_key,
        max(county_code) as county_code,
        bool_or(dibao) as dibao,
        bool_or(tekun) as tekun,
        max(source_row) as source_row,
        max(dibao_ym) as dibao_ym,
        max(dibao_rows) as dibao_rows,
        max(tekun_ym) as tekun_ym,
        max(tekun_rows) as tekun_rows
    from side
    group by person_key
),

flag as (
    select
        person.*,
        delivered.has_dibao,
        delivered.has_tekun
    from person
    cross join delivered
    where person.household_key is not null
),

tolerance as (
    select max(value) as yuan
    from {{ ref('ref_threshold') }}
    where
        code = 'dibao_income_tolerance_amt'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

income as (
    select
        income.household_key,
        income.county_code,
        coalesce(income.d2_dibao, 0) as reported_amt,
        coalesce(certificate.paid_12m_amt, 0) as paid_12m_amt,
        array[{{ source_row('county_income', 'income') }}] as left_rows,
        certificate.source_rows as right_rows
    from {{ ref('stg_county_income') }} as income
    inner join {{ ref('dim_household') }} as household
        on
            income.household_key = household.household_key
            and income.county_code = household.county_code
    left join certificate on income.household_key = certificate.household_key
    where income.period = {{ period() }}
),

person_case as (
    select
        'dibao_and_tekun' as case_type,
        flag.person_key,
        flag.household_key,
        flag.county_code,
        flag.dibao_ym as left_value,
        flag.tekun_ym as right_value,
        flag.dibao_rows as left_rows,
        flag.tekun_rows as right_rows
    from flag
    where flag.dibao_ym is not null and flag.tekun_ym is not null
    union all
    select
        'county_dibao_unregistered' as case_type,
        flag.person_key,
        flag.household_key,
        flag.county_code,
        'true' as left_value,
        'none' as right_value,
        array[flag.source_row] as left_rows,
        null::text[] as right_rows
    from flag
    where flag.dibao and flag.dibao_ym is null and flag.has_dibao
    union all
    select
        'registered_dibao_not_in_county' as case_type,
        flag.person_key,
        flag.household_key,
        flag.county_code,
        'false' as left_value,
        flag.dibao_ym as right_value,
        array[flag.source_row] as left_rows,
        flag.dibao_rows as right_rows
    from flag
    where not flag.dibao and flag.dibao_ym is not null
    union all
    select
        'county_tekun_unregistered' as case_type,
        flag.person_key,
        flag.household_key,
        flag.county_code,
        'true' as left_value,
        'none' as right_value,
        array[flag.source_row] as left_rows,
        null::text[] as right_rows
    from flag
    where flag.tekun and flag.tekun_ym is null and flag.has_tekun
    union all
    select
        'registered_tekun_not_in_county' as case_type,
        flag.person_key,
        flag.household_key,
        flag.county_code,
        'false' as left_value,
        flag.tekun_ym as right_value,
        array[flag.source_row] as left_rows,
        flag.tekun_rows as right_rows
    from flag
    where not flag.tekun and flag.tekun_ym is not null
),

household_case as (
    select
        'dibao_and_edge' as case_type,
        certificate.household_key,
        certificate.county_code,
        certificate.start_ym as left_value,
        edge.recognised_on::text as right_value,
        certificate.source_rows as left_rows,
        edge.source_rows as right_rows
    from certificate
    inner join edge on certificate.household_key = edge.household_key
    where certificate.is_in_force
    union all
    select
        'dibao_income_differs' as case_type,
        income.household_key,
        income.county_code,
        income.reported_amt::text as left_value,
        income.paid_12m_amt::text as right_value,
        income.left_rows,
        income.right_rows
    from income
    cross join tolerance
    cross join delivered
    where delivered.has_dibao and abs(income.reported_amt - income.paid_12m_amt) > tolerance.yuan
)

select
    case_type,
    person_key as case_key,
    'person' as subject,
    person_key,
    household_key,
    county_code,
    left_value,
    right_value,
    left_rows,
    right_rows
from person_case
union all
select
    case_type,
    household_key as case_key,
    'household' as subject,
    null::text as person_key,
    household_key,
    county_code,
    left_value,
    right_value,
    left_rows,
    right_rows
from household_case

-- A dibao certificate (低保证) and the one household it belongs to in the month: that of its covered
-- members on file, or of its head where no covered member is on file (any more). Who is known
-- to have died before the month began is not among the living.
with member as (
    select
        member.cert_no,
        member.person_key,
        death.died_on,
        death.source_rows[1] as death_row,
        coalesce(death.died_on < {{ month_start() }}, false) as is_dead
    from {{ ref('stg_mz_dibao_member') }} as member
    left join {{ ref('known_death') }} as death on member.person_key = death.person_key
    where coalesce(member.covered, false)
),

counted as (
    select
        cert_no,
        count(*)::integer as covered_members,
        count(*) filter (where not is_dead)::integer as living_members,
        max(died_on) filter (where is_dead) as last_died_on,
        {{ source_rows('death_row', 'is_dead') }} as death_rows
    from member
    group by cert_no
),

lived_in as (
    select
        member.cert_no,
        person.household_key,
        person.county_code,
        person.row_no,
        0 as distance
    from member
    inner join {{ ref('dim_person') }} as person on member.person_key = person.person_key
    union all
    select
        family.cert_no,
        person.household_key,
        person.county_code,
        person.row_no,
        1 as distance
    from {{ ref('stg_mz_dibao_family') }} as family
    inner join {{ ref('dim_person') }} as person on family.head_person_key = person.person_key
),

home as (
    select distinct on (cert_no)
        cert_no,
        household_key,
        county_code
    from lived_in
    order by cert_no, distance, county_code, row_no
),

paid as (
    select
        payment.cert_no,
        sum(payment.amount) filter (where payment.pay_ym = {{ period() }}) as paid_amt,
        sum(payment.amount) as paid_12m_amt,
        {{ source_rows(source_row('mz_dibao_payment', 'payment'), 'payment.pay_ym = ' ~ period()) }}
            as payment_rows
    from {{ ref('stg_mz_dibao_payment') }} as payment
    where
        payment.pay_ym
        between to_char({{ month_start() }} - interval '11 months', 'YYYY-MM') and {{ period() }}
        and coalesce(payment.status, '') <> '退票'
    group by payment.cert_no
)

select
    family.cert_no,
    home.household_key,
    home.county_code,
    family.start_ym,
    family.end_ym,
    family.start_ym <= {{ period() }} and (family.end_ym is null or family.end_ym > {{ period() }})
        as is_in_force,
    coalesce(counted.covered_members, 0) as covered_members,
    coalesce(counted.living_members, 0) as living_members,
    counted.last_died_on,
    coalesce(paid.paid_amt, 0) as paid_amt,
    coalesce(paid.paid_12m_amt, 0) as paid_12m_amt,
    array[{{ source_row('mz_dibao_family', 'family') }}] as family_rows,
    counted.death_rows,
    paid.payment_rows
from {{ ref('stg_mz_dibao_family') }} as family
inner join home on family.cert_no = home.cert_no
left join counted on family.cert_no = counted.cert_no
left join paid on family.cert_no = paid.cert_no

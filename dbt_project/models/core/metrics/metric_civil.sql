-- Metrics of the civil-affairs rules (R201 to R211). Registers keep rows of all months, so each
-- metric asks for the dates and never whether a row is there.
with certificate_in_force as (
    -- A disability certificate runs from its issue to before end_ym, when its holder is struck off.
    select
        subsidy.person_key,
        subsidy.issued_on,
        {{ source_row('mz_disab_subsidy', 'subsidy') }} as source_row
    from {{ ref('stg_mz_disab_subsidy') }} as subsidy
    where
        subsidy.issued_on <= {{ month_end() }}
        and (subsidy.end_ym is null or subsidy.end_ym > {{ period() }})
),

dibao_member as (
    select
        member.person_key,
        {{ source_row('mz_dibao_member', 'member') }} as source_row
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join {{ ref('stg_mz_dibao_family') }} as family on member.cert_no = family.cert_no
    where
        coalesce(member.covered, false)
        and family.start_ym <= {{ period() }}
        and (family.end_ym is null or family.end_ym > {{ period() }})
),

tekun as (
    select
        support.person_key,
        support.start_ym,
        {{ source_row('mz_tekun', 'support') }} as source_row
    from {{ ref('stg_mz_tekun') }} as support
    where
        support.start_ym <= {{ period() }}
        and (support.end_ym is null or support.end_ym > {{ period() }})
),

person_event as (
    select
        person_key,
        'tekun_started' as metric,
        1::numeric as value,
        to_date(start_ym, 'YYYY-MM') as event_on,
        source_row
    from tekun
    where start_ym = {{ period() }}
    union all
    select
        aid.person_key,
        'temp_aid_12m_count' as metric,
        1::numeric as value,
        aid.approved_on as event_on,
        {{ source_row('mz_temp_aid', 'aid') }} as source_row
    from {{ ref('stg_mz_temp_aid') }} as aid
    where
        aid.approved_on between {{ month_start() }} - interval '11 months' and {{ month_end() }}
    union all
    select
        child.person_key,
        'orphan_started' as metric,
        1::numeric as value,
        to_date(child.start_ym, 'YYYY-MM') as event_on,
        {{ source_row('mz_orphan', 'child') }} as source_row
    from {{ ref('stg_mz_orphan') }} as child
    where child.start_ym = {{ period() }}
    union all
    select
        tekun.person_key,
        'dibao_and_tekun' as metric,
        1::numeric as value,
        null::date as event_on,
        unnest(array[tekun.source_row, dibao_member.source_row]) as source_row
    from tekun
    inner join dibao_member on tekun.person_key = dibao_member.person_key
    union all
    select
        subsidy.person_key,
        'new_disability_grade' as metric,
        subsidy.disability_grade::numeric as value,
        subsidy.issued_on as event_on,
        {{ source_row('mz_disab_subsidy', 'subsidy') }} as source_row
    from {{ ref('stg_mz_disab_subsidy') }} as subsidy
    where
        subsidy.issued_on between {{ month_start() }} and {{ month_end() }}
        and subsidy.disability_grade ~ '^[1-4]$'
),

person_metric as (
    select
        'person' as subject,
        person.person_key as subject_key,
        person.person_key,
        person.household_key,
        person.county_code,
        event.metric,
        case event.metric
            when 'temp_aid_12m_count' then sum(event.value)
            else min(event.value)
        end as value,
        max(event.event_on) as event_on,
        {{ source_rows('event.source_row') }} as source_rows
    from person_event as event
    inner join {{ ref('dim_person') }} as person on event.person_key = person.person_key
    group by person.person_key, person.household_key, person.county_code, event.metric
),

recognised as (
    select
        person.household_key,
        case layer.layer
            when 'edge' then 'low_income_edge_started'
            else 'rigid_expense_started'
        end as metric,
        family.recognised_on as event_on,
        {{ source_row('mz_low_income', 'family') }} as source_row
    from {{ ref('stg_mz_low_income') }} as family
    inner join {{ ref('ref_low_income_layer') }} as layer on family.layer = layer.label
    inner join {{ ref('dim_person') }} as person on family.head_person_key = person.person_key
    where
        layer.layer in ('edge', 'rigid_expense')
        and family.recognised_on between {{ month_start() }} and {{ month_end() }}
),

holder as (
    select
        person.household_key,
        person.person_key,
        min(certificate.issued_on) as event_on,
        min(certificate.source_row) as source_row
    from certificate_in_force as certificate
    inner join {{ ref('dim_person') }} as person on certificate.person_key = person.person_key
    group by person.household_key, person.person_key
),

household_event as (
    select
        household_key,
        'dibao_started' as metric,
        1::numeric as value,
        to_date(start_ym, 'YYYY-MM') as event_on,
        family_rows as source_rows
    from {{ ref('dibao_certificate') }}
    where start_ym = {{ period() }}
    union all
    select
        household_key,
        'dibao_ended' as metric,
        1::numeric as value,
        to_date(end_ym, 'YYYY-MM') as event_on,
        family_rows as source_rows
    from {{ ref('dibao_certificate') }}
    where end_ym = {{ period() }}
    union all
    select
        household_key,
        'deceased_paid_amt' as metric,
        paid_amt as value,
        last_died_on as event_on,
        death_rows || payment_rows as source_rows
    from {{ ref('dibao_certificate') }}
    where covered_members > 0 and living_members = 0 and paid_amt > 0
    union all
    select
        household_key,
        metric,
        1::numeric as value,
        event_on,
        array[source_row] as source_rows
    from recognised
    union all
    select
        household_key,
        'disabled_members' as metric,
        1::numeric as value,
        event_on,
        array[source_row] as source_rows
    from holder
),

household_metric as (
    select
        'household' as subject,
        household.household_key as subject_key,
        null::text as person_key,
        household.household_key,
        household.county_code,
        event.metric,
        case
            when event.metric in ('deceased_paid_amt', 'disabled_members') then sum(event.value)
            else min(event.value)
        end as value,
        max(event.event_on) as event_on
    from household_event as event
    inner join {{ ref('dim_household') }} as household
        on event.household_key = household.household_key
    group by household.household_key, household.county_code, event.metric
),

household_evidence as (
    select
        event.household_key,
        event.metric,
        {{ source_rows('evidence.source_row') }} as source_rows
    from household_event as event
    cross join lateral unnest(event.source_rows) as evidence (source_row)
    group by event.household_key, event.metric
)

select
    subject,
    subject_key,
    person_key,
    household_key,
    county_code,
    metric,
    value,
    event_on,
    source_rows
from person_metric
union all
select
    figure.subject,
    figure.subject_key,
    figure.person_key,
    figure.household_key,
    figure.county_code,
    figure.metric,
    figure.value,
    figure.event_on,
    evidence.source_rows
from household_metric as figure
left join household_evidence as evidence
    on figure.household_key = evidence.household_key and figure.metric = evidence.metric

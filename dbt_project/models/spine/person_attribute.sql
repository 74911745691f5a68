-- What is taken to be so of a person where records may contradict each other: of all that sources
-- say, what ref_survivorship believes. The month's lists of members and enrolments are asked about
-- those on the lists, the registers about everybody. Values are text; a date is ISO.
with listed as (
    select
        person.*,
        {{ source_row('county_person', 'person') }} as source_row,
        residence.person_key is not null as is_residence
    from {{ ref('stg_county_person') }} as person
    left join {{ ref('person_household') }} as residence
        on
            person.person_key = residence.person_key
            and person.household_key = residence.household_key
            and person.county_code = residence.county_code
    where person.period = {{ period() }} and person.is_present
),

enrolled as (
    select
        enrol.*,
        {{ source_row('yb_enrol', 'enrol') }} as source_row
    from {{ ref('stg_yb_enrol') }} as enrol
    inner join {{ ref('person_household') }} as known on enrol.person_key = known.person_key
    where enrol.period = {{ period() }}
),

claim as (
    {%- for attribute in ['sex', 'birth_date'] %}
    select
        person_key,
        '{{ attribute }}' as attribute,
        identity_source as source,
        {{ attribute }}::text as value,
        null::date as stated_on,
        is_residence,
        source_row
    from listed
    union all
    select
        person_key,
        '{{ attribute }}' as attribute,
        'county_person' as source,
        stated_{{ attribute }}::text as value,
        null::date as stated_on,
        is_residence,
        source_row
    from listed
    union all
    select
        person_key,
        '{{ attribute }}' as attribute,
        'yb_enrol' as source,
        stated_{{ attribute }}::text as value,
        null::date as stated_on,
        false as is_residence,
        source_row
    from enrolled
    union all
    {%- endfor %}
    select
        person_key,
        'ethnic_code' as attribute,
        'county_person' as source,
        ethnic_code as value,
        null::date as stated_on,
        is_residence,
        source_row
    from listed
    union all
    select
        person_key,
        'ethnic_code' as attribute,
        'yb_enrol' as source,
        ethnic_code as value,
        null::date as stated_on,
        false as is_residence,
        source_row
    from enrolled
    {%- for register in ['mz_death', 'wj_death'] %}
    union all
    select
        told.person_key,
        'death_date' as attribute,
        '{{ register }}' as source,
        told.died_on::text as value,
        null::date as stated_on,
        false as is_residence,
        {{ source_row(register, 'told') }} as source_row
    from {{ ref('stg_' ~ register) }} as told
    where told.died_on <= {{ month_end() }}
    {%- endfor %}
    union all
    -- A certificate counts from its issue to before end_ym.
    select
        register.person_key,
        'disability_grade' as attribute,
        'mz_disab_subsidy' as source,
        register.disability_grade as value,
        register.issued_on as stated_on,
        false as is_residence,
        {{ source_row('mz_disab_subsidy', 'register') }} as source_row
    from {{ ref('stg_mz_disab_subsidy') }} as register
    where
        register.issued_on <= {{ month_end() }}
        and register.disability_grade ~ '^[1-4]$'
        and (register.end_ym is null or register.end_ym > {{ period() }})
)

select distinct on (claim.person_key, claim.attribute)
    claim.person_key,
    claim.attribute,
    claim.value,
    claim.source,
    claim.source_row,
    min(claim.value) over said <> max(claim.value) over said as is_contested
from claim
inner join {{ ref('ref_survivorship') }} as rule
    on claim.attribute = rule.attribute and claim.source = rule.source
where claim.value is not null
window said as (partition by claim.person_key, claim.attribute)
order by
    claim.person_key asc,
    claim.attribute asc,
    rule.priority asc,
    case rule.tie_break when 'residence' then claim.is_residence end desc nulls last,
    case rule.tie_break when 'latest' then claim.stated_on end desc nulls last,
    claim.value asc,
    claim.source_row asc

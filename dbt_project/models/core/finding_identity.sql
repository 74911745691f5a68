-- Contradictions in the family lists: certificate numbers, and insurance of the ex-poor. A row
-- that leads to nobody is a finding about its household; a number left blank has no character.
with member as (
    select
        person.*,
        household.monitor_status,
        household.household_type,
        bool_or(person.serious_illness_insured is not null)
            over (partition by person.county_code) as has_insurance_column
    from {{ ref('base_county_person') }} as person
    inner join {{ ref('dim_household') }} as household
        on
            person.household_key = household.household_key
            and person.county_code = household.county_code
    where
        person.period = {{ period() }}
        and person.is_present
        and (
            person.disposition = 'staged'
            or (person.disposition = 'quarantined' and person.defect_code = 'D04')
        )
),

found as (
    select
        rule.rule_code,
        member.*,
        coalesce(member.cert_length, 0)::numeric as value
    from member
    inner join {{ cross_rule('X01') }} as rule on true
    where
        member.monitor_status <> 'none'
        and coalesce(member.cert_length, 0)::text <> all(string_to_array(rule.param_text, ','))
    union all
    select
        rule.rule_code,
        member.*,
        case when member.cert_kind_digit ~ '^\d$' then member.cert_kind_digit::numeric end as value
    from member
    inner join {{ cross_rule('X02') }} as rule on true
    where
        member.cert_length in (20, 22)
        and (
            not member.is_cert_core_valid
            or member.cert_kind_digit !~ '^[1-9]$'
            or member.cert_kind_digit::numeric > rule.param_number
        )
    union all
    select
        rule.rule_code,
        member.*,
        null::numeric as value
    from member
    inner join {{ cross_rule('X13') }} as rule on true
    inner join {{ ref('ref_household_type') }} as household_type
        on member.household_type = household_type.household_type and household_type.is_ex_poor
    where
        member.person_key is not null
        and member.has_insurance_column
        and not coalesce(member.serious_illness_insured, false)
)

select
    found.rule_code,
    case when found.person_key is null then 'household' else 'person' end as subject,
    coalesce(found.person_key, found.household_key) as subject_key,
    found.person_key,
    found.household_key,
    found.county_code,
    max(found.value) as value,
    {{ rows_of('county_person', 'found') }} as source_rows
from found
group by found.rule_code, found.person_key, found.household_key, found.county_code

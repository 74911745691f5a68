-- Who lives where in the month. Of the households that list a person ref_survivorship says to which
-- he belongs. Every figure counts him once; the conflict is listed in identity_conflict.
with listed as (
    select
        person.*,
        case
            when person.status = '新增' then 'county_person_new'
            else 'county_person_standing'
        end as source
    from {{ ref('stg_county_person') }} as person
    where person.period = {{ period() }} and person.is_present
)

select distinct on (listed.person_key)
    listed.person_key,
    listed.household_key,
    listed.county_code,
    listed.row_no,
    listed.source,
    coalesce(link.method, 'resident_id') as method,
    coalesce(link.score, case when link.method is null then 1.0 end)::numeric as score,
    count(*) over (partition by listed.person_key) as households_claiming
from listed
left join {{ ref('ref_survivorship') }} as rule
    on rule.attribute = 'household' and listed.source = rule.source
left join {{ source('vault', 'person_link') }} as link
    on
        listed.delivery_id = link.delivery_id
        and listed.row_no = link.row_no
        and link.column_name = 'cert_no'
order by
    listed.person_key,
    rule.priority,
    listed.county_code,
    listed.row_no

-- Everybody of whom a death is known, by the funeral register or a death certificate, each once.
-- Where the two disagree about the day ref_survivorship decides; both rows are named.
with told as (
    select
        register.person_key,
        {{ source_row('mz_death', 'register') }} as source_row
    from {{ ref('stg_mz_death') }} as register
    union all
    select
        certificate.person_key,
        {{ source_row('wj_death', 'certificate') }} as source_row
    from {{ ref('stg_wj_death') }} as certificate
)

select
    died.person_key,
    died.value::date as died_on,
    {{ source_rows('told.source_row') }} as source_rows
from {{ ref('person_attribute') }} as died
inner join told on died.person_key = told.person_key
where died.attribute = 'death_date'
group by died.person_key, died.value

-- Everybody of whom a death is known, by the funeral register or a death certificate, each once.
-- Where the two disagree about the day the earlier counts; both rows are named.
with told as (
    select
        register.person_key,
        register.died_on,
        {{ source_row('mz_death', 'register') }} as source_row
    from {{ ref('stg_mz_death') }} as register
    union all
    select
        certificate.person_key,
        certificate.died_on,
        {{ source_row('wj_death', 'certificate') }} as source_row
    from {{ ref('stg_wj_death') }} as certificate
)

select
    person_key,
    min(died_on) as died_on,
    {{ source_rows('source_row') }} as source_rows
from told
group by person_key

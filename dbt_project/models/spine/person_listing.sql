-- Who is in which accepted family list, in a few columns: what membership over time is made from,
-- so that a build reads months of history without normalising every raw row of them again.
--
-- It grows and is still a pure function: a delivery's rows never change, the keys of their numbers
-- are made in the transaction that loads them, and a row here depends on nothing else. Which
-- deliveries count, and in which order, is for its readers to say, by what was known at the time.
-- So building months in any order, or anew, leaves each build the same rows to read. Rows without
-- a usable ID have no key, and two IDs of one person are two: links and decisions change with
-- time, and linked_listing joins them.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['delivery_id']}],
) }}
{%- set already_listed = 'select null::bigint where false' -%}
{%- if is_incremental() -%}
{%- set of_this_version = ' where version = ' ~ listing_version() -%}
{%- set already_listed = 'select delivery_id from ' ~ this ~ of_this_version -%}
{%- endif %}
select
    r._delivery_id as delivery_id,
    r._row_no as row_no,
    person.key as person_key,
    household.key as household_key,
    parse.text(r.relation) as relation,
    parse.text(r.status) as status,
    {{ listing_version() }} as version
from {{ source('raw', 'county_person') }} as r
inner join {{ source('vault', 'identifier') }} as household
    on household.kind = 'household' and parse.text(r.household_no) = household.value
left join {{ source('vault', 'identifier') }} as person
    on person.kind = 'person' and vault.normalise_resident_id(r.cert_no) = person.value
where
    r._delivery_id in (
        select accepted.delivery_id
        from {{ source('ops', 'accepted_delivery') }} as accepted
        where accepted.kind = 'county_person'
    )
    and r._delivery_id not in ({{ already_listed }})

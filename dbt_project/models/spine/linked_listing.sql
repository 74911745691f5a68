-- Who is in which family list: the rows of person_listing with the person they are about, as the
-- build knows it. Rows without a usable ID are of whom they were linked to, and one of two numbers
-- that are one person is the other's.
{{ config(materialized='view') }}
select
    listing.delivery_id,
    listing.row_no,
    coalesce(alias.person_key, listing.person_key, link.person_key) as person_key,
    listing.household_key,
    listing.relation,
    listing.status
from {{ ref('person_listing') }} as listing
left join {{ source('vault', 'person_link') }} as link
    on
        listing.person_key is null
        and listing.delivery_id = link.delivery_id
        and listing.row_no = link.row_no
        and link.column_name = 'cert_no'
left join {{ source('vault', 'person_alias') }} as alias
    on
        coalesce(listing.person_key, link.person_key) = alias.alias_key
        and alias.decided_at <= '{{ build_var("known_at") }}'::timestamptz
        and coalesce(alias.undone_at > '{{ build_var("known_at") }}'::timestamptz, true)
where
    listing.version = {{ listing_version() }}
    and coalesce(listing.person_key, link.person_key) is not null

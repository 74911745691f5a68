select
    {{ period() }}::text as period,
    kind::text as kind,
    county_code::text as county_code,
    person_rows::bigint as person_rows,
    resident_id_rows::bigint as resident_id_rows,
    splink_rows::bigint as splink_rows,
    decision_rows::bigint as decision_rows,
    review_rows::bigint as review_rows,
    provisional_rows::bigint as provisional_rows,
    unlinked_rows::bigint as unlinked_rows,
    round((resident_id_rows + splink_rows + decision_rows) / person_rows, 6)::numeric as link_rate
from {{ ref('link_health') }}

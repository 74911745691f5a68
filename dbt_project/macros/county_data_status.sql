{#-
    CTE body: what a reader may expect of each county's figures from one kind of county file that
    does not hold the county back: held_back, missing (not delivered or rejected) or published.
-#}
{% macro county_data_status(kind) -%}
    select
        status.county_code,
        case
            when not status.is_published then 'held_back'
            when count(accepted.county_code) = 0 then 'missing'
            else 'published'
        end as data_status
    from {{ ref('county_status') }} as status
    left join {{ source('ops', 'accepted_delivery') }} as accepted
        on
            status.county_code = accepted.county_code
            and accepted.kind = '{{ kind }}'
            and accepted.period = {{ period() }}
            and accepted.known_at <= '{{ build_var("known_at") }}'::timestamptz
    group by status.county_code, status.is_published
{%- endmacro %}

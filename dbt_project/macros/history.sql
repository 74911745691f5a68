{#-
    The deliveries of a snapshot kind that count in all months up to the build's: of each county and
    month the accepted one that arrived last, as known at `known_at`. Staging reads two months; who
    reads further back joins raw rows to this and says why it stays fast.
-#}
{% macro counted_deliveries(kind) -%}
    select distinct on (a.county_code, a.period)
        a.delivery_id,
        a.county_code,
        a.period,
        a.known_at
    from {{ source('ops', 'accepted_delivery') }} as a
    cross join lateral (
        select max(arrival.arrival_id) as arrival_id
        from {{ source('ops', 'arrival') }} as arrival
        where
            arrival.delivery_id = a.delivery_id
            and arrival.received_at <= '{{ build_var("known_at") }}'::timestamptz
    ) as last_arrival
    where
        a.kind = '{{ kind }}'
        and a.known_at <= '{{ build_var("known_at") }}'::timestamptz
        and a.period <= {{ period() }}
    order by a.county_code, a.period, last_arrival.arrival_id desc, a.delivery_id desc
{%- endmacro %}

{#- Whole months from one YYYY-MM to another. -#}
{% macro months_between(earlier, later) -%}
    (
        (substr({{ later }}, 1, 4)::integer - substr({{ earlier }}, 1, 4)::integer) * 12
        + substr({{ later }}, 6, 2)::integer - substr({{ earlier }}, 6, 2)::integer
    )
{%- endmacro %}

{#-
    Days from one day to another, or to the month's end while the other has not come: calendar days,
    or working days by the numbers of dim_calendar joined under the two aliases.
-#}
{% macro elapsed_days(earlier, later, day_kind, earlier_alias, later_alias) -%}
    case {{ day_kind }}
        when 'working' then {{ later_alias }}.workday_no - {{ earlier_alias }}.workday_no
        else coalesce({{ later }}, {{ month_end() }}) - {{ earlier }}
    end
{%- endmacro %}

{#- Within the limit: open (null) while the step is not finished and the limit not passed. -#}
{% macro is_kept(days, limit, finished_on) -%}
    case
        when {{ days }} > {{ limit }} then false
        when {{ finished_on }} is not null then {{ days }} <= {{ limit }}
    end
{%- endmacro %}

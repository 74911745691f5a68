{#-
    The first model over a raw table: every row of every delivery in the build's scope, once, with
    typed columns and where it goes: staged, quarantined (with a defect code) or superseded.

    kind       raw table
    delivery   'snapshot': the delivery that arrived last replaces the whole of its (county, period);
               'increment': the row that came last replaces the row of the same grain
    reads_from first period in scope, as SQL; none: everything up to the build's period
    columns    name -> SQL over r (the raw row) and d (its delivery)
    joins      SQL that the columns need
    rows       what the rows are read from instead of the raw table: see read_once
    grain      columns that name a row's subject; a row without them is never superseded by another
    defects    [(code, SQL condition over r, d, the joins and c, the row of typed columns)]; the first
               that holds counts
    The order in which rows came is total (period, arrival, row), so equal input gives equal output.
-#}
{% macro base(kind, delivery, columns, grain, defects=[], joins='', reads_from=none, rows=none) -%}
with delivery as (
    select
        a.delivery_id,
        a.county_code,
        a.period,
        last_arrival.arrival_id,
        {% if delivery == 'snapshot' -%}
        last_arrival.arrival_id = max(last_arrival.arrival_id) over (
            partition by a.county_code, a.period
        ) as is_current
        {%- else -%}
        true as is_current
        {%- endif %}
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
        {%- if reads_from is not none %}
        and a.period >= {{ reads_from }}
        {%- endif %}
),

typed as materialized (
    select
        r._delivery_id as delivery_id,
        r._row_no as row_no,
        d.period,
        d.county_code,
        d.arrival_id,
        d.is_current,
        c.*,
        case
            {%- for code, condition in defects %}
            when {{ condition }} then '{{ code }}'
            {%- else %}
            when false then ''
            {%- endfor %}
        end as defect_code
    from {{ rows or source('raw', kind) }} as r
    inner join delivery as d on r._delivery_id = d.delivery_id
        {%- if rows %} and r.version = {{ read_version() }}{% endif %}
    {{ joins }}
    -- "offset 0": each cell is read once, and not again wherever a defect asks for its value.
    cross join lateral (
        select
            {%- for name, expression in columns.items() %}
            {{ expression }} as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (values (1)) as once (cell_row)
        offset 0
    ) as c
),

ordered as (
    select
        typed.*,
        {% for column in grain %}{{ column }} is not null and {% endfor %}row_number() over (
            partition by
                {% if delivery == 'snapshot' -%}
                county_code, period, {% endif -%}
                {{ grain | join(', ') }}
            order by is_current desc, period desc, arrival_id desc, row_no desc
        ) > 1 as has_later_row
    from typed
)

select
    delivery_id,
    row_no,
    period,
    county_code,
    {%- for name in columns %}
    {{ name }},
    {%- endfor %}
    case
        when has_later_row or not is_current then 'superseded'
        when defect_code is not null then 'quarantined'
        else 'staged'
    end as disposition,
    case when not (has_later_row or not is_current) then defect_code end as defect_code
from ordered
{%- endmacro %}


{#- What staging shows of a base model: the rows that count, without the bookkeeping of the rest. -#}
{% macro staged(base_model, columns) -%}
select
    delivery_id,
    row_no,
    period,
    county_code,
    {{ columns | join(',\n    ') }}
from {{ ref(base_model) }}
where disposition = 'staged'
{%- endmacro %}

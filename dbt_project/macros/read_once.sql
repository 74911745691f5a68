{#-
    Every row of a raw table with its cells read, under the names of the raw columns: for kinds of
    which a build reads many months, so that it does not read all their cells again.

    It grows and is still a pure function, as person_listing is: a delivery's rows never change, and
    a row here depends on nothing but its own row, the parsers and the keys that were made when it
    was loaded. Which deliveries count is for its readers to say. Where a parser or this macro comes
    to read a cell otherwise, raise the version: rows of other versions are not read.

    kind        raw table
    persons     columns that hold a resident ID; here its key, or null
    readings    column -> reading (text, day, month, money, flag, whole)
    `unreadable` names the columns that are filled with what cannot be read.
-#}
{% macro read_once(kind, persons, readings) -%}
{%- set already_read = 'select null::bigint where false' -%}
{%- if is_incremental() -%}
{%- set already_read = 'select _delivery_id from ' ~ this ~ ' where version = ' ~ read_version() -%}
{%- endif -%}
select
    r._delivery_id,
    r._row_no,
    {%- for column in persons %}
    {{ column }}_id.key as {{ column }},
    {%- endfor %}
    c.*,
    array_remove(array[
        {%- for column, reading in readings.items() if reading != 'text' %}
        case
            when c.{{ column }} is null and parse.text(r.{{ column }}) is not null
                then '{{ column }}'
        end
        {{- ',' if not loop.last }}
        {%- endfor %}
    ], null) as unreadable,
    {{ read_version() }} as version
from {{ source('raw', kind) }} as r
{%- for column in persons %}
left join {{ source('vault', 'identifier') }} as {{ column }}_id
    on
        {{ column }}_id.kind = 'person'
        and {{ column }}_id.value = vault.normalise_resident_id(r.{{ column }})
{%- endfor %}
-- "offset 0": each cell is read once.
cross join lateral (
    select
        {%- for column, reading in readings.items() %}
        {{ cell(reading, column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (values (1)) as once (cell_row)
    offset 0
) as c
where
    r._delivery_id in (
        select accepted.delivery_id
        from {{ source('ops', 'accepted_delivery') }} as accepted
        where accepted.kind = '{{ kind }}'
    )
    and r._delivery_id not in ({{ already_read }})
{%- endmacro %}

{% macro read_version() -%}1{%- endmacro %}

{#- Cells of the raw row r; see include/migrations/006_parse.sql for what each reading accepts. -#}
{% macro cell(type, column) -%}parse.{{ type }}(r.{{ column }}){%- endmacro %}

{#- {column: reading} for columns that keep their name. -#}
{% macro cells(type, columns) -%}
    {%- set readings = {} -%}
    {%- for column in columns -%}
        {%- do readings.update({column: cell(type, column)}) -%}
    {%- endfor -%}
    {{ return(readings) }}
{%- endmacro %}

{#- Any of the columns, each typed under its own name, is filled with something that is no such value. -#}
{% macro unreadable(columns) -%}
    (
    {%- for column in columns -%}
        (c.{{ column }} is null and {{ cell('text', column) }} is not null)
        {%- if not loop.last %} or {% endif -%}
    {%- endfor -%}
    )
{%- endmacro %}

{#-
    Join of an identifier column to its keyed hash; the identifier itself goes no further.
    A person is who the valid ID says, else whom the linkage found (include/linkage); two keys that
    were judged by hand to be one person are one. `key` is null where there is nothing to go by.
    With is_key the column holds the ID's key already (see read_once).
-#}
{% macro vault_join(kind, column, alias=none, is_key=false) -%}
{%- set name = alias or kind -%}
{%- if kind == 'household' -%}
left join {{ source('vault', 'identifier') }} as {{ name }}
        on {{ name }}.kind = '{{ kind }}' and {{ name }}.value = parse.text(r.{{ column }})
{%- else -%}
left join {{ source('vault', 'identifier') }} as {{ name }}_id
        on {{ name }}_id.kind = 'person'
        {% if is_key -%}
        and {{ name }}_id.key = r.{{ column }}
        {%- else -%}
        and {{ name }}_id.value = vault.normalise_resident_id(r.{{ column }})
        {%- endif %}
    left join {{ source('vault', 'person_link') }} as {{ name }}_link
        on r._delivery_id = {{ name }}_link.delivery_id
        and r._row_no = {{ name }}_link.row_no
        and {{ name }}_link.column_name = '{{ column }}'
    left join {{ source('vault', 'person_alias') }} as {{ name }}_alias
        on {{ name }}_alias.alias_key = coalesce({{ name }}_id.key, {{ name }}_link.person_key)
        and {{ name }}_alias.decided_at <= '{{ build_var("known_at") }}'::timestamptz
        and coalesce({{ name }}_alias.undone_at > '{{ build_var("known_at") }}'::timestamptz, true)
    cross join lateral (
        select
            coalesce(
                {{ name }}_alias.person_key, {{ name }}_id.key, {{ name }}_link.person_key
            ) as key,
            case
                when {{ name }}_id.key is null then {{ name }}_link.sex
                when substr({{ name }}_id.value, 17, 1)::integer % 2 = 1 then '1'
                else '2'
            end as sex,
            case
                when {{ name }}_id.key is null then {{ name }}_link.birth_date
                else to_date(substr({{ name }}_id.value, 7, 8), 'YYYYMMDD')
            end as birth_date
    ) as {{ name }}
{%- endif %}
{%- endmacro %}

{#- Join of a code cell to the seed that knows its labels. -#}
{% macro label_join(seed, label, column, alias) -%}
left join {{ ref(seed) }} as {{ alias }} on {{ alias }}.{{ label }} = {{ cell('text', column) }}
{%- endmacro %}

{#- The cell is filled, and no code list knows it. -#}
{% macro unmapped(column, mapped) -%}
    {{ cell('text', column) }} is not null and {{ mapped }} is null
{%- endmacro %}

{#- Join of a code cell to a source's own code list in ref_code, as it stood at month-end. -#}
{% macro code_join(code_system, source, column, alias) -%}
left join {{ ref('ref_code') }} as {{ alias }}
        on {{ alias }}.code_system = '{{ code_system }}'
        and {{ alias }}.source = '{{ source }}'
        and {{ alias }}.code = {{ cell('text', column) }}
        and coalesce({{ alias }}.effective_from, '-infinity'::date) <= {{ month_end() }}
        and coalesce({{ alias }}.effective_to, 'infinity'::date) >= {{ month_end() }}
{%- endmacro %}

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

{#- Any of the columns is filled with something that is no such value. -#}
{% macro unreadable(type, columns) -%}
    (
    {%- for column in columns -%}
        ({{ cell(type, column) }} is null and {{ cell('text', column) }} is not null)
        {%- if not loop.last %} or {% endif -%}
    {%- endfor -%}
    )
{%- endmacro %}

{#- Join of an identifier column to its keyed hash; the identifier itself goes no further. -#}
{% macro vault_join(kind, column, alias=none) -%}
left join {{ source('vault', 'identifier') }} as {{ alias or kind }}
        on {{ alias or kind }}.kind = '{{ kind }}'
        and {{ alias or kind }}.value = {% if kind == 'person' -%}
            vault.normalise_resident_id(r.{{ column }})
        {%- else -%}
            parse.text(r.{{ column }})
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

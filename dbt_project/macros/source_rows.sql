{#- Aggregate of source rows (see source_row): at most ten, ordered, each once. -#}
{% macro source_rows(column, condition=none) -%}
(array_agg(distinct {{ column }} order by {{ column }})
    {%- if condition %} filter (where {{ condition }}){% endif %})[1:10]
{%- endmacro %}

{#- Schemas are named as they are written: the rooms of the warehouse, the same on every target. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}

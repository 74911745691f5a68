{#-
    Schemas are named as they are written: the rooms of the warehouse, the same on every target. What
    is rebuilt beside them (include/rebuild.py) stands in rooms of its own, whose names begin so.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ env_var('DBT_SCHEMA_PREFIX', '') ~ (custom_schema_name or target.schema) }}
{%- endmacro %}

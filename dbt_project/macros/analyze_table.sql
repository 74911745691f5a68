{#-
    Statistics for the planner, right after a table was filled: the models after it are planned within
    the same build, long before autovacuum comes by, and without them joins of some thousand rows are
    planned as nested loops.
-#}
{% macro analyze_table() -%}
    {%- if config.get('materialized') == 'table' -%}analyze {{ this }}{%- endif -%}
{%- endmacro %}

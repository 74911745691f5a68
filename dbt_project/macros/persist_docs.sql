{#-
    Column comments as dbt writes them, with the Chinese label in front: 户数 · households on file.
    Which columns there are is not asked of the database, as dbt does, once per relation: to describe
    one that is not there is an error.
-#}
{% macro postgres__alter_column_comment(relation, column_dict) %}
    {%- for name, column in column_dict.items() -%}
        {%- set meta = column.get('meta') or (column.get('config') or {}).get('meta') or {} -%}
        {%- set parts = [meta.get('label_zh'), column['description']] | select | list -%}
        comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }}
        is {{ postgres_escape_comment(parts | join(' · ')) }};
    {%- endfor -%}
{% endmacro %}

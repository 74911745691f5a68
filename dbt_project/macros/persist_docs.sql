{#- Column comments as dbt writes them, with the Chinese label in front: 户数 · households on file. -#}
{% macro postgres__alter_column_comment(relation, column_dict) %}
    {%- set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- for name in column_dict if name in existing -%}
        {%- set column = column_dict[name] -%}
        {%- set meta = column.get('meta') or (column.get('config') or {}).get('meta') or {} -%}
        {%- set parts = [meta.get('label_zh'), column['description']] | select | list -%}
        comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }}
        is {{ postgres_escape_comment(parts | join(' · ')) }};
    {%- endfor -%}
{% endmacro %}

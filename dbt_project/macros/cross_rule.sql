{#- The row of ref_cross_rule in force at the month's end, as a relation with its parameters. -#}
{% macro cross_rule(rule_code) -%}
    (
        select
            rule_code,
            param_number,
            param_text
        from {{ ref('ref_cross_rule') }}
        where
            rule_code = '{{ rule_code }}'
            and area_code = '431000'
            and effective_from <= {{ month_end() }}
            and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
    )
{%- endmacro %}

{#- At most ten of a group's rows as 'kind/delivery/row', in order. -#}
{% macro rows_of(kind, alias) -%}
    (array_agg(
        '{{ kind }}/' || {{ alias }}.delivery_id || '/' || {{ alias }}.row_no
        order by {{ alias }}.delivery_id, {{ alias }}.row_no
    ))[1:10]
{%- endmacro %}

{#- The metric models of models/core/metrics; risk_metric is their union. A new one is named here. -#}
{% macro metric_models() -%}
    {{ return(['metric_civil', 'metric_health', 'metric_income', 'metric_living', 'metric_work']) }}
{%- endmacro %}

{#- Where a staged row came from, as 'kind/delivery/row'. -#}
{% macro source_row(kind, alias) -%}
    '{{ kind }}/' || {{ alias }}.delivery_id || '/' || {{ alias }}.row_no
{%- endmacro %}

{#- A figure for a sentence: at most two decimals and no idle zeros; a share as percentage. -#}
{% macro figure_zh(figure, unit) -%}
    case {{ unit }}
        when 'share' then trim_scale(round({{ figure }} * 100, 2))::text || '%'
        else trim_scale(round({{ figure }}, 2))::text
    end
{%- endmacro %}

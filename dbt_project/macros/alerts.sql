{#- An alert's number: what a county writes down. Month and key say which alert it is. -#}
{% macro alert_no(period, alert_key) -%}
'YJ' || replace({{ period }}, '-', '') || upper(left({{ alert_key }}, 12))
{%- endmacro %}

{#- The build's month and its edges, as SQL literals. -#}
{% macro period() -%}'{{ build_var("period") }}'{%- endmacro %}

{% macro month_end() -%}
    (('{{ build_var("period") }}-01')::date + interval '1 month' - interval '1 day')::date
{%- endmacro %}

{% macro previous_period() -%}
    to_char(('{{ build_var("period") }}-01')::date - interval '1 month', 'YYYY-MM')
{%- endmacro %}

{% macro year_start() -%}('{{ build_var("period")[:4] }}-01-01')::date{%- endmacro %}

{#- First of the twelve months up to the build's, which hold all of the calendar year so far. -#}
{% macro year_back_period() -%}
    to_char(('{{ build_var("period") }}-01')::date - interval '11 months', 'YYYY-MM')
{%- endmacro %}

{% macro year_back_start() -%}
    (('{{ build_var("period") }}-01')::date - interval '11 months')::date
{%- endmacro %}

{% macro month_start() -%}('{{ build_var("period") }}-01')::date{%- endmacro %}

{#- An effective-dated seed row holds on the month's last day. -#}
{% macro in_effect(alias) -%}
    coalesce({{ alias }}.effective_from, '-infinity'::date) <= {{ month_end() }}
    and coalesce({{ alias }}.effective_to, 'infinity'::date) >= {{ month_end() }}
{%- endmacro %}

{#-
    What the build states of itself: period, known_at, build_id, seeds_sha256. It comes through the
    environment (DBT_ENV_CUSTOM_ENV_<name>): a changed --vars makes dbt parse the whole project anew.
    In a unit test it is the variable of that name. While dbt parses it is neither, and nothing is read;
    no model may ask for the variable itself, which a build does not set.
-#}
{% macro build_var(name) -%}
    {%- set parsed = {
        'period': '1900-01',
        'known_at': '1900-01-01T00:00:00+00:00',
        'build_id': 0,
        'seeds_sha256': '',
    } -%}
    {{ dbt_metadata_envs.get(name, var(name, parsed[name])) }}
{%- endmacro %}

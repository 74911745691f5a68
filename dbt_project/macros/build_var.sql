{#-
    What the build states of itself: period, known_at, build_id, seeds_sha256. It comes through the
    environment (DBT_ENV_CUSTOM_ENV_<name>): a changed --vars makes dbt parse the whole project anew.
    Without a build, as in unit tests, it is the variable of that name.
-#}
{% macro build_var(name) -%}{{ dbt_metadata_envs.get(name, var(name)) }}{%- endmacro %}

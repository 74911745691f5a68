{#- The kinds of delivery (include/contracts); snapshots are read for the build's month and the one before. -#}
{% macro snapshot_kinds() -%}
    {{ return(['county_household', 'county_person', 'county_income', 'county_measure', 'yb_enrol']) }}
{%- endmacro %}

{% macro kinds() -%}
    {{ return(snapshot_kinds() + [
        'mz_dibao_family', 'mz_dibao_member', 'mz_dibao_payment', 'mz_tekun', 'mz_temp_aid',
        'mz_death', 'yb_settle',
    ]) }}
{%- endmacro %}

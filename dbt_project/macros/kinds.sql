{#-
    The kinds of delivery by how far back a build reads them, as `horizon` in include/contracts says
    (a test compares the two): snapshots of the month and the one before, twelve months, or all.
-#}
{% macro horizons() -%}
    {{ return({
        'previous_month': [
            'county_household', 'county_person', 'county_income', 'county_clue', 'county_measure',
            'county_visit', 'county_helper', 'county_employment', 'county_welfare_post',
            'county_fund_project', 'county_dwelling', 'county_water',
            'yb_enrol', 'yb_chronic', 'wj_contract',
        ],
        'year': ['yb_settle', 'yb_med_aid', 'wj_followup'],
        'ever': [
            'mz_dibao_family', 'mz_dibao_member', 'mz_dibao_payment', 'mz_tekun', 'mz_temp_aid',
            'mz_low_income', 'mz_disab_subsidy', 'mz_orphan', 'mz_death',
            'wj_major_disease', 'wj_death', 'wj_birth',
        ],
    }) }}
{%- endmacro %}

{% macro kinds() -%}
    {{ return(horizons()['previous_month'] + horizons()['year'] + horizons()['ever']) }}
{%- endmacro %}

{#- Kinds without which a county's month is held back; the others only empty their own figures. -#}
{% macro holds_back_kinds() -%}
    {{ return(['county_household', 'county_person', 'county_income', 'county_measure']) }}
{%- endmacro %}

{#- A list of names as SQL literals. -#}
{% macro quoted(names) -%}'{{ names | join("', '") }}'{%- endmacro %}

{{ staged('base_mz_disab_subsidy', [
    'person_key',
    'register_county_code',
    'disability_type',
    'disability_grade',
    'issued_on',
    'start_ym',
    'end_ym',
    'living_subsidy_m',
    'care_subsidy_m',
]) }}

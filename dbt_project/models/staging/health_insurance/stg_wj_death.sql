{{ staged('base_wj_death', [
    'person_key',
    'register_county_code',
    'record_id',
    'cause_code',
    'died_on',
]) }}

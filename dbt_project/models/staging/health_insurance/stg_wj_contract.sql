{{ staged('base_wj_contract', [
    'person_key',
    'register_county_code',
    'team',
    'chronic_kind',
    'signed_on',
    'service_year',
]) }}

{{ staged('base_mz_low_income', [
    'head_person_key',
    'register_county_code',
    'record_id',
    'layer',
    'recognised_on',
    'valid_to',
    'ended_on',
    'members',
]) }}

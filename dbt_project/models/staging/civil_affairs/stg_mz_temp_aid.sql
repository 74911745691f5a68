{{ staged('base_mz_temp_aid', [
    'person_key',
    'register_county_code',
    'aid_id',
    'type',
    'applied_on',
    'approved_on',
    'amount',
]) }}

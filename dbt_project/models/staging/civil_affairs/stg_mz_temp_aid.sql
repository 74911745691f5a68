{{ staged('base_mz_temp_aid', [
    'person_key',
    'register_county_code',
    'aid_id',
    'applied_on',
    'approved_on',
    'type',
    'amount',
]) }}

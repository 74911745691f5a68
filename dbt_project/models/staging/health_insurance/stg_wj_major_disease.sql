{{ staged('base_wj_major_disease', [
    'person_key',
    'register_county_code',
    'record_id',
    'category',
    'dise_code',
    'hospital',
    'confirmed_on',
    'is_treated',
]) }}

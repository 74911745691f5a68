{{ staged('base_mz_tekun', [
    'person_key',
    'register_county_code',
    'mode',
    'amount_m',
    'start_ym',
    'end_ym',
]) }}

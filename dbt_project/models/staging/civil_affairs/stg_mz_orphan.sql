{{ staged('base_mz_orphan', [
    'person_key',
    'register_county_code',
    'orphan_kind',
    'start_ym',
    'end_ym',
    'amount_m',
]) }}

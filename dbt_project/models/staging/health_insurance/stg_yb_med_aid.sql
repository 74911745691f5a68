{{ staged('base_yb_med_aid', [
    'person_key',
    'register_county_code',
    'aid_id',
    'aid_type',
    'setl_id',
    'aid_date',
    'aid_amt',
]) }}

{{ staged('base_yb_chronic', [
    'person_key',
    'register_county_code',
    'dise_code',
    'begndate',
    'enddate',
]) }}

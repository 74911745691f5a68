{{ staged('base_county_measure', [
    'household_key',
    'measure_type',
    'measure_detail',
    'implementation',
    'started_ym',
]) }}

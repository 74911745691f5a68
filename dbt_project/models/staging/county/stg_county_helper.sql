{{ staged('base_county_helper', [
    'household_key',
    'helper_unit',
    'position',
    'started_on',
    'ended_on',
]) }}

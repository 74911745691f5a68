{{ staged('base_county_water', [
    'household_key',
    'supply_code',
    'is_piped',
    'supply_type',
    'quality_ok',
    'litres_per_day',
    'fetch_minutes',
    'outage_days',
    'assurance_pct',
]) }}

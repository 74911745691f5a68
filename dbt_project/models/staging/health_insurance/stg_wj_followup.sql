{{ staged('base_wj_followup', [
    'person_key',
    'register_county_code',
    'followup_id',
    'chronic_kind',
    'visited_on',
    'is_controlled',
]) }}

{{ staged('base_county_dwelling', [
    'household_key',
    'grade_code',
    'grade_after_code',
    'grade',
    'damage_cause',
    'works',
    'grade_after',
    'assessed_on',
    'damaged_on',
    'works_done_on',
    'has_house',
    'is_only_house',
]) }}

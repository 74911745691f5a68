{{ staged('base_county_visit', [
    'household_key',
    'visit_type',
    'visited_on',
    'food_ok',
    'clothing_ok',
    'housing_problem',
    'dropout_problem',
    'water_problem',
    'uninsured_problem',
    'income_dropped',
]) }}

{{ staged('base_county_welfare_post', [
    'household_key',
    'person_key',
    'post_code',
    'post_name',
    'post_type',
    'started_on',
    'ended_on',
    'allowance_m',
    'paid_amt',
]) }}

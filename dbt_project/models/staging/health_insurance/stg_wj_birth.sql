{{ staged('base_wj_birth', [
    'mother_person_key',
    'register_county_code',
    'record_id',
    'child_sex',
    'birth_date',
    'birth_defect',
]) }}

{{ staged('base_mz_death', [
    'person_key',
    'death_id',
    'died_on',
    'cremated_on',
]) }}

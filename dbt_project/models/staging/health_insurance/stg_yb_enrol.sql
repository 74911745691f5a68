{{ staged('base_yb_enrol', [
    'person_key',
    'stated_sex',
    'stated_birth_date',
    'ethnic_code',
    'psn_no',
    'insutype',
    'psn_insu_stas',
    'insuplc_admdvs',
    'begntime',
    'endtime',
]) }}

{{ staged('base_yb_enrol', [
    'person_key',
    'psn_no',
    'insutype',
    'psn_insu_stas',
    'insuplc_admdvs',
    'begntime',
    'endtime',
]) }}

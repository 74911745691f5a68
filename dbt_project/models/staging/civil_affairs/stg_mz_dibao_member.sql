{{ staged('base_mz_dibao_member', [
    'person_key',
    'cert_no',
    'covered',
]) }}

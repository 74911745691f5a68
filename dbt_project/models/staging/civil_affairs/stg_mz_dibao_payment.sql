{{ staged('base_mz_dibao_payment', [
    'payment_id',
    'cert_no',
    'kind',
    'status',
    'pay_ym',
    'amount',
]) }}

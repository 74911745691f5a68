{{ staged('base_mz_dibao_payment', [
    'payment_id',
    'cert_no',
    'pay_ym',
    'amount',
    'kind',
    'status',
]) }}

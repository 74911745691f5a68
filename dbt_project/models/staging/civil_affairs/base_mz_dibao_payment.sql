-- M3 低保金发放: a payment on a certificate; reclaims (追回) are negative.
{%- set columns = {} -%}
{%- do columns.update(cells('text', ['payment_id', 'cert_no'])) -%}
{%- do columns.update(cells('month', ['pay_ym'])) -%}
{%- do columns.update(cells('money', ['amount'])) -%}
{%- do columns.update(cells('text', ['kind', 'status'])) -%}
{{ config(materialized='table') }}
{{ base(
    'mz_dibao_payment',
    delivery='increment',
    columns=columns,
    grain=['payment_id'],
    defects=[
        ('D13', unreadable('money', ['amount'])),
        ('D14', unreadable('month', ['pay_ym'])),
    ],
) }}

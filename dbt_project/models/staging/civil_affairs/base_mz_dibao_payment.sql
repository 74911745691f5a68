-- M3 低保金发放: a payment on a certificate; reclaims (追回) are negative.
{{ config(materialized='table') }}
{%- set columns = {} -%}
{%- set text_columns = ['payment_id', 'cert_no', 'kind', 'status'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set month_columns = ['pay_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{%- set money_columns = ['amount'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'mz_dibao_payment',
    delivery='increment',
    columns=columns,
    grain=['payment_id'],
    defects=[
        ('D13', unreadable(money_columns)),
        ('D14', unreadable(month_columns)),
    ],
) }}

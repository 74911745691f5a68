-- H2 医保结算: a settlement; a refund is a negative mirror of its original. Amounts in yuan.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'settled_on': 'parse.day(r.setl_time)',
} -%}
{%- set text_columns = [
    'setl_id', 'insutype', 'med_type', 'clr_type', 'insuplc_admdvs', 'init_setl_id',
] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['begndate', 'enddate'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set money_columns = [
    'medfee_sumamt', 'fulamt_ownpay_amt', 'overlmt_selfpay', 'preselfpay_amt',
    'inscp_scp_amt', 'act_pay_dedc', 'hifp_pay', 'hifmi_pay', 'maf_pay', 'cvlserv_pay',
    'hifes_pay', 'hifob_pay', 'oth_pay', 'hosp_part_amt', 'fund_pay_sumamt', 'psn_part_amt',
    'acct_pay', 'psn_cash_pay', 'acct_mulaid_pay',
] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{%- set flag_columns = ['refd_setl_flag'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'yb_settle',
    delivery='increment',
    columns=columns,
    grain=['setl_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable(money_columns)),
        ('D14', unreadable(day_columns) ~ ' or parse.day(r.setl_time) is null'),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=year_back_period(),
) }}

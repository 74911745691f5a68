-- H2 医保结算: a settlement; a refund is a negative mirror of its original. Amounts in yuan.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update({'settled_on': 'parse.day(r.setl_time)'}) -%}
{%- do columns.update(cells('text', ['setl_id', 'insutype', 'med_type', 'clr_type', 'insuplc_admdvs'])) -%}
{%- do columns.update(cells('day', ['begndate', 'enddate'])) -%}
{%- do columns.update(cells('money', ['medfee_sumamt', 'fulamt_ownpay_amt', 'overlmt_selfpay', 'preselfpay_amt', 'inscp_scp_amt', 'act_pay_dedc', 'hifp_pay', 'hifmi_pay', 'maf_pay', 'cvlserv_pay', 'hifes_pay', 'hifob_pay', 'oth_pay', 'hosp_part_amt', 'fund_pay_sumamt', 'psn_part_amt', 'acct_pay', 'psn_cash_pay', 'acct_mulaid_pay'])) -%}
{%- do columns.update(cells('flag', ['refd_setl_flag'])) -%}
{%- do columns.update(cells('text', ['init_setl_id'])) -%}
{{ config(materialized='table') }}
{{ base(
    'yb_settle',
    delivery='increment',
    columns=columns,
    grain=['setl_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable('money', ['medfee_sumamt', 'fulamt_ownpay_amt', 'overlmt_selfpay', 'preselfpay_amt', 'inscp_scp_amt', 'act_pay_dedc', 'hifp_pay', 'hifmi_pay', 'maf_pay', 'cvlserv_pay', 'hifes_pay', 'hifob_pay', 'oth_pay', 'hosp_part_amt', 'fund_pay_sumamt', 'psn_part_amt', 'acct_pay', 'psn_cash_pay', 'acct_mulaid_pay'])),
        ('D14', cell('day', 'setl_time') ~ ' is null'),
    ],
    joins=vault_join('person', 'certno'),
    reads_from="'" ~ var('period')[:4] ~ "-01'",
) }}

-- H2 医保结算: a settlement; a refund is a negative mirror of its original. Amounts in yuan.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'settled_on': 'r.setl_time',
} -%}
{%- for column in [
    'setl_id', 'insutype', 'med_type', 'clr_type', 'insuplc_admdvs', 'init_setl_id',
    'begndate', 'enddate',
    'medfee_sumamt', 'fulamt_ownpay_amt', 'overlmt_selfpay', 'preselfpay_amt',
    'inscp_scp_amt', 'act_pay_dedc', 'hifp_pay', 'hifmi_pay', 'maf_pay', 'cvlserv_pay',
    'hifes_pay', 'hifob_pay', 'oth_pay', 'hosp_part_amt', 'fund_pay_sumamt', 'psn_part_amt',
    'acct_pay', 'psn_cash_pay', 'acct_mulaid_pay', 'refd_setl_flag',
] -%}
{%- do columns.update({column: 'r.' ~ column}) -%}
{%- endfor -%}
{{ base(
    'yb_settle',
    delivery='increment',
    columns=columns,
    grain=['setl_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', "r.unreadable && array[
                'medfee_sumamt', 'fulamt_ownpay_amt', 'overlmt_selfpay', 'preselfpay_amt',
                'inscp_scp_amt', 'act_pay_dedc', 'hifp_pay', 'hifmi_pay', 'maf_pay',
                'cvlserv_pay', 'hifes_pay', 'hifob_pay', 'oth_pay', 'hosp_part_amt',
                'fund_pay_sumamt', 'psn_part_amt', 'acct_pay', 'psn_cash_pay', 'acct_mulaid_pay'
            ]"),
        ('D14', "r.unreadable && array['begndate', 'enddate'] or r.setl_time is null"),
    ],
    joins=vault_join('person', 'certno', is_key=true),
    reads_from=year_back_period(),
    rows=ref('read_yb_settle'),
) }}

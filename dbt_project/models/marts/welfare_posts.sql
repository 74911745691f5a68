-- Welfare posts by type: filled, paid against the standard, and holders that need a second look.
with county as (
    {{ county_data_status('county_welfare_post') }}
),

benefit as (
    select member.person_key
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join {{ ref('stg_mz_dibao_family') }} as family on member.cert_no = family.cert_no
    where
        coalesce(member.covered, false)
        and family.start_ym <= {{ period() }}
        and (family.end_ym is null or family.end_ym > {{ period() }})
    union
    select person_key
    from {{ ref('stg_mz_tekun') }}
    where start_ym <= {{ period() }} and (end_ym is null or end_ym > {{ period() }})
),

post as (
    select
        post.county_code,
        post.person_key,
        post.post_code,
        post.allowance_m,
        post.paid_amt,
        coalesce(post.ended_on > {{ month_end() }}, true) as is_filled,
        -- A whole month's pay is due of those who held the post from its first day to its last.
        post.started_on <= {{ month_start() }}
        and coalesce(post.ended_on >= {{ month_end() }}, true) as is_due,
        coalesce(death.died_on <= {{ month_end() }}, false) as is_deceased,
        coalesce(death.died_on < {{ month_start() }}, false) as died_before,
        benefit.person_key is not null as has_benefit,
        person.person_key is not null as is_on_file
    from {{ ref('stg_county_welfare_post') }} as post
    inner join county on post.county_code = county.county_code and county.data_status = 'published'
    left join {{ ref('known_death') }} as death on post.person_key = death.person_key
    left join benefit on post.person_key = benefit.person_key
    left join {{ ref('dim_person') }} as person on post.person_key = person.person_key
    where post.period = {{ period() }}
),

held as (
    -- Over all counties: who holds one post here and one there has two.
    select
        person_key,
        count(*) as posts
    from post
    where is_filled
    group by person_key
),

counted as (
    select
        post.county_code,
        post.post_code,
        count(*) as posts,
        count(*) filter (where post.is_filled) as filled,
        count(distinct post.person_key) filter (where post.is_filled) as holders,
        count(*) filter (where post.is_due) as due,
        coalesce(sum(post.allowance_m) filter (where post.is_due), 0) as standard_amt,
        coalesce(sum(post.paid_amt), 0) as paid_amt,
        count(*) filter (where post.is_due and post.paid_amt < post.allowance_m) as unpaid,
        coalesce(
            sum(post.allowance_m - post.paid_amt) filter (
                where post.is_due and post.paid_amt < post.allowance_m
            ),
            0
        ) as unpaid_amt,
        count(*) filter (where post.is_due and post.paid_amt is null) as unreported,
        count(distinct post.person_key) filter (where post.is_filled and held.posts > 1)
            as duplicate,
        count(distinct post.person_key) filter (where post.is_filled and post.is_deceased)
            as deceased,
        coalesce(sum(post.paid_amt) filter (where post.died_before), 0) as deceased_paid_amt,
        count(distinct post.person_key) filter (where post.is_filled and post.has_benefit)
            as with_benefit,
        count(distinct post.person_key) filter (where post.is_filled and not post.is_on_file)
            as not_on_file
    from post
    left join held on post.person_key = held.person_key
    group by post.county_code, post.post_code
)

select
    {{ period() }}::text as period,
    county.county_code,
    coalesce(counted.post_code, 'all') as post_type,
    county.data_status,
    counted.posts::integer as posts,
    counted.filled::integer as filled_posts,
    counted.holders::integer as holders,
    counted.due::integer as due_posts,
    counted.standard_amt,
    counted.paid_amt,
    counted.unpaid::integer as unpaid_posts,
    counted.unpaid_amt,
    counted.unreported::integer as unreported_posts,
    counted.duplicate::integer as duplicate_holders,
    counted.deceased::integer as deceased_holders,
    counted.deceased_paid_amt,
    counted.with_benefit::integer as benefit_holders,
    counted.not_on_file::integer as not_on_file_holders
from county
left join counted on county.county_code = counted.county_code

-- satisfaction_monthly: what customers say when asked, how many answer, and what employees thought they would say.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (month, segment)
-- tags: service, monthly
with

-- Marks of other scales are brought to ten; one above its own scale is no mark.
surveys as (
    select
        *,
        toDate(assumeNotNull(answered_at), {{ .Timezone }}) as asked_on,
        toBool(coalesce(kind = 'employee_guess', false) or coalesce(respondent = 'employee', false)) as is_guess,
        coalesce(score_max, 10) as best,
        if(score >= 0 and best > 0 and score <= best, 10 * toFloat64(score) / toFloat64(best), null) as mark
    from {{ ref "stg_crm__surveys" }}
    where answered_at is not null and toDate(assumeNotNull(answered_at), {{ .Timezone }}) <= {{ .AsOf }}
        and coalesce(kind, 'satisfaction') in ('satisfaction', 'nps', 'employee_guess')
),

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }} where entity = 'crm.surveys'
),

customers as (
    select customer_key, segment from {{ ref "int_customers" }}
),

-- A source that never lists anybody without an answer lists answers, not questions.
asked as (
    select
        toStartOfMonth(surveys.asked_on) as month,
        coalesce(customers.segment, '(none)') as own_segment,
        coalesce(surveys.kind, 'satisfaction') as kind,
        surveys.is_guess as is_guess,
        surveys.mark as mark,
        countIf(surveys.score is null and not surveys.is_guess) over (partition by surveys.source) > 0 as lists_questions
    from surveys
    left join owners on owners.source = surveys.source and owners.entity_id = surveys.survey_id
    left join customers on customers.customer_key = owners.customer_key
),

counted as (
    select
        month,
        arrayJoin([own_segment, '(all)']) as segment,
        countIf(mark is not null and not is_guess) as answers,
        countIf(mark is not null and not is_guess and kind = 'satisfaction') as marks,
        avgIf(mark, not is_guess and kind = 'satisfaction') as mean_mark,
        countIf(mark is not null and not is_guess and kind = 'nps') as nps_answers,
        countIf(not is_guess and kind = 'nps' and coalesce(mark >= 9, false)) as promoters,
        countIf(not is_guess and kind = 'nps' and coalesce(mark <= 6, false)) as detractors,
        countIf(not is_guess and lists_questions) as asked,
        countIf(not is_guess and lists_questions and mark is not null) as responded,
        countIf(is_guess and mark is not null) as guesses,
        avgIf(mark, is_guess) as mean_guess
    from asked
    group by month, segment
)

select
    month,
    segment,
    answers,
    marks,
    round(mean_mark, 6) as satisfaction,
    nps_answers,
    promoters,
    detractors,
    100 * (toInt64(promoters) - toInt64(detractors)) / nullIf(nps_answers, 0) as nps,
    asked,
    responded,
    100 * responded / nullIf(asked, 0) as response_pct,
    {{ wilson_lower "responded" "asked" }} as response_lower,
    {{ wilson_upper "responded" "asked" }} as response_upper,
    guesses,
    round(mean_guess, 6) as employee_guess,
    round(mean_guess - mean_mark, 6) as guess_gap,
    toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete
from counted

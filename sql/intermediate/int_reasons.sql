-- int_reasons: the category of each text that was written down as a reason, and the competitor it names.
-- grain: one row per reason
-- materialized: table
-- order_by: reason
-- key: reason
-- tags: reasons
with

statements as (
    select reason, competitor from {{ ref "int_reason_statements" }}
),

patterns as (
    select reason_category, priority, pattern, example from {{ ref "reasons" }}
),

categories as (
    select reason_category, lowerUTF8(name) as name from {{ ref "reason_categories" }} where reason_category != 'unmapped'
),

spellings as (
    select competitor, pattern, example from {{ ref "competitor_names" }}
),

-- A category's own name is understood, as is its id.
all_patterns as (
    select 'reason' as kind, priority, toString(reason_category) as meaning, pattern from patterns
    union all
    select 'reason' as kind, 0 as priority, toString(reason_category) as meaning, concat('^', replaceAll(reason_category, '_', ' '), '$') as pattern from categories
    union all
    select 'reason' as kind, 0 as priority, toString(reason_category) as meaning, concat('^', replaceAll(name, '''', ''), '$') as pattern from categories
    union all
    select 'competitor' as kind, 1 as priority, competitor as meaning, pattern from spellings
    union all
    -- Fits nothing, so that there is a list also where a seed was emptied.
    select arrayJoin(['reason', 'competitor']) as kind, 255 as priority, '' as meaning, '< <' as pattern
),

-- Patterns stand for whole words of texts that look like " < too expensive > ".
rules as (
    select
        kind,
        arraySort(groupArray((toUInt8(priority), meaning, pattern))) as ordered,
        arrayMap(
            rule -> concat(' (', replaceAll(replaceAll(replaceAll(replaceAll(tupleElement(rule, 3),
                '^', '< '), '$', ' >'), ' ... ', ' ([^ ]+ ){0,4}'), '*', '[^ ]*'), ') '),
            ordered
        ) as expressions
    from all_patterns
    group by kind
),

-- The examples are texts like any other: a check sees what becomes of them.
texts as (
    select assumeNotNull(statements.reason) as reason from statements where statements.reason is not null
    union distinct
    select assumeNotNull(competitor) as reason from statements where competitor is not null
    union distinct
    select example as reason from patterns
    union distinct
    select example as reason from spellings
),

in_words as (
    select
        reason,
        concat(' < ', trimBoth(replaceRegexpAll(
            replaceRegexpAll(replaceAll(lowerUTF8(reason), 'ё', 'е'), '[''’`]', ''),
            '[^\\p{L}\\p{N}]+', ' '
        )), ' > ') as words
    from texts
),

-- The first of those that fit decides. One by one they take some 20 ms for a
-- thousand texts; to compile them all into one automaton took longer than that.
matched as (
    select
        reason,
        arrayFirstIndex(expression -> match(words, expression), (select expressions from rules where kind = 'reason')) as rule_no,
        arrayFirstIndex(expression -> match(words, expression), (select expressions from rules where kind = 'competitor')) as competitor_no
    from in_words
)

select
    reason,
    if(rule_no = 0, 'unmapped', tupleElement((select ordered from rules where kind = 'reason')[rule_no], 2)) as reason_category,
    if(rule_no = 0, null, tupleElement((select ordered from rules where kind = 'reason')[rule_no], 3)) as pattern,
    if(competitor_no = 0, null, tupleElement((select ordered from rules where kind = 'competitor')[competitor_no], 2)) as competitor,
    -- For those whom the seed does not know.
    trimBoth(replaceRegexpAll(
        concat(' ', replaceRegexpAll(reason, '["«»“”„,; ]+', ' '), ' '),
        '(?i) (ооо|оао|зао|пао|ао|ип|llc|ltd|inc|gmbh|plc|corp)[.]? ', ' '
    )) as bare_name
from matched

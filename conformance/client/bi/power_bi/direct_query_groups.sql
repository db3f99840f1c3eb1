select "_"."customer" as "c1", "_"."a0" as "a0"
from
(
    select "rows"."customer" as "customer", sum(cast("rows"."amount" as decimal)) as "a0"
    from
    (
        select "_"."id", "_"."customer", "_"."amount"
        from "public"."sales" "_"
        where "_"."sold" >= date '2024-01-01' and "_"."at" < timestamp '2025-01-01 00:00:00'
    ) "rows"
    group by "customer"
) "_"
where not "_"."a0" is null
order by "_"."customer"
limit 1000001 offset 0;
-- answer
-- Ann|15.75
-- Bob|20.00

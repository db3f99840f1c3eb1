select "$Table"."id" as "id", "$Table"."customer" as "customer", "$Table"."amount" as "amount"
from "public"."sales" "$Table"
order by "$Table"."id"
limit 1000;
-- answer
-- 1|Ann|10.50
-- 2|Bob|20.00
-- 3|Ann|5.25
-- 4||

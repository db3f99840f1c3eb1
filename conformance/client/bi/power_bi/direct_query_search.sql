select "_"."customer" from "public"."sales" "_"
where "_"."customer" like 'A%' escape '\' and case when "_"."closed" then 1 else 0 end = 1 and strpos(lower("_"."customer"), 'nn') > 0
group by "_"."customer";
select count(1) as "c" from (select distinct "_"."customer" from "public"."sales" "_" where not "_"."customer" is null) "_";
-- answer
-- Ann
-- 2

BEGIN; declare "SQL_CUR0x1" cursor with hold for SELECT "id" FROM "public"."sales" ORDER BY "id"; fetch 2 in "SQL_CUR0x1";
fetch 2 in "SQL_CUR0x1";
close "SQL_CUR0x1";
COMMIT;
-- answer
-- 1
-- 2
-- 3
-- 4

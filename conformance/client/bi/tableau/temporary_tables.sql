BEGIN;
CREATE LOCAL TEMPORARY TABLE "#Tableau_1_2_3_Connect_CheckCreateTempTableCap" (COL INTEGER) ON COMMIT PRESERVE ROWS;
INSERT INTO "#Tableau_1_2_3_Connect_CheckCreateTempTableCap" VALUES (1);
SELECT * FROM "#Tableau_1_2_3_Connect_CheckCreateTempTableCap";
DROP TABLE "#Tableau_1_2_3_Connect_CheckCreateTempTableCap";
COMMIT;
SELECT * INTO TEMPORARY TABLE "#Tableau_CheckSelectIntoCap" FROM (SELECT 1 AS COL) AS CHECKTEMP LIMIT 1;
DROP TABLE "#Tableau_CheckSelectIntoCap";
-- answer
-- 1

AUDIT (name positive_totals);
SELECT * FROM @this_model WHERE total <= 0

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;

/** Milliseconds that pgjdbc takes for the columns of all tables, the best of some runs. */
public class Columns {
    public static void main(String[] arguments) throws Exception {
        int runs = Integer.parseInt(arguments[3]);
        long best = Long.MAX_VALUE;
        long columns = 0;
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            for (int run = 0; run < runs; run++) {
                long start = System.nanoTime();
                columns = 0;
                try (ResultSet rows = connection.getMetaData().getColumns(null, "public", "%", "%")) {
                    while (rows.next()) {
                        columns++;
                    }
                }
                best = Math.min(best, System.nanoTime() - start);
            }
        }
        System.out.println(columns + " " + best / 1_000_000);
    }
}

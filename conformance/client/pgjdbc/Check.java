import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/** pgjdbc against the server that libpq's variables name; prints what conformance/run reads. */
public class Check {
    interface Feature {
        void run(Connection connection) throws Exception;
    }

    static Connection connect(String... properties) throws SQLException {
        Properties all = new Properties();
        all.setProperty("user", System.getenv("PGUSER"));
        all.setProperty("password", System.getenv("PGPASSWORD"));
        all.setProperty("sslmode", "disable");
        for (int i = 0; i < properties.length; i += 2) {
            all.setProperty(properties[i], properties[i + 1]);
        }
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
                + System.getenv("PGDATABASE");
        return DriverManager.getConnection(url, all);
    }

    static void equal(Object actual, Object expected) {
        if (!Objects.equals(actual, expected)) {
            throw new AssertionError("expected " + expected + ", got " + actual);
        }
    }

    /** Rows as lists of what getObject gives. */
    static List<List<Object>> rows(ResultSet result) throws SQLException {
        List<List<Object>> rows = new ArrayList<>();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            for (int column = 1; column <= result.getMetaData().getColumnCount(); column++) {
                row.add(result.getObject(column));
            }
            rows.add(row);
        }
        return rows;
    }

    /** The named columns of every row, as text. */
    static List<String> columns(ResultSet result, String... names) throws SQLException {
        List<String> rows = new ArrayList<>();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (String name : names) {
                row.add(result.getString(name));
            }
            rows.add(String.join("|", row.stream().map(String::valueOf).toList()));
        }
        return rows;
    }

    static List<List<Object>> query(Connection connection, String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return rows(statement.executeQuery(text));
        }
    }

    static void execute(Connection connection, String... texts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : texts) {
                statement.execute(text);
            }
        }
    }

    static SQLException failure(Feature action, Connection connection) throws Exception {
        try {
            action.run(connection);
        } catch (SQLException error) {
            return error;
        }
        throw new AssertionError("no error");
    }

    static void check(String name, Feature feature, String... properties) {
        try (Connection connection = connect(properties)) {
            feature.run(connection);
            System.out.println("ok " + name);
        } catch (Throwable error) {
            System.out.println("not ok " + name + ": " + String.valueOf(error).replaceAll("\\s+", " "));
        }
        System.out.flush();
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("version " + org.postgresql.util.DriverInfo.DRIVER_VERSION);
        try (Connection connection = connect()) {
            execute(connection, "CREATE SCHEMA shop",
                    "CREATE TABLE shop.item (id bigint NOT NULL, name text, price numeric(10,2), sold date)",
                    "COMMENT ON TABLE shop.item IS 'what we sell'",
                    "INSERT INTO shop.item VALUES (1, 'apple', 0.50, DATE '2024-02-29'), (2, 'pear', 12.25, NULL)",
                    "CREATE VIEW shop.cheap AS SELECT id, name FROM shop.item WHERE price < 5",
                    "CREATE TABLE shop.many (id bigint, label text)",
                    "INSERT INTO shop.many SELECT n, 'row ' || n FROM generate_series(1, 5000) AS s(n)");
        }
        connecting();
        metadata();
        queries();
        changes();
    }

    static void connecting() {
        check("logs in with SCRAM", c -> equal(query(c, "SELECT current_user::text, current_database()::text"),
                List.of(List.of("admin", "main"))));
        check("TLS with verify-full", c -> equal(query(c, "SELECT 1"), List.of(List.of(1))),
                "sslmode", "verify-full", "sslrootcert", System.getenv("CA"));
        check("refuses a wrong password", c ->
                equal(failure(x -> connect("password", "wrong").close(), c).getSQLState(), "28P01"));
        check("isValid", c -> equal(c.isValid(5), true));
        check("read-only and isolation", c -> {
            c.setReadOnly(true);
            equal(c.getTransactionIsolation() > 0, true);
            equal(query(c, "SELECT 1"), List.of(List.of(1)));
        });
    }

    static void metadata() {
        check("getSchemas", c -> equal(
                columns(c.getMetaData().getSchemas(null, "shop"), "TABLE_SCHEM"), List.of("shop")));
        check("getCatalogs", c -> equal(
                columns(c.getMetaData().getCatalogs(), "TABLE_CAT").contains("main"), true));
        check("getTables", c -> equal(
                columns(c.getMetaData().getTables(null, "shop", "%", new String[] {"TABLE", "VIEW"}),
                        "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"),
                List.of("shop|item|TABLE|what we sell", "shop|many|TABLE|null", "shop|cheap|VIEW|null")));
        check("getColumns", c -> equal(
                columns(c.getMetaData().getColumns(null, "shop", "item", "%"),
                        "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "IS_NULLABLE",
                        "ORDINAL_POSITION"),
                List.of("id|-5|int8|19|0|NO|1", "name|12|text|2147483647|0|YES|2",
                        "price|2|numeric|10|2|YES|3", "sold|91|date|13|0|YES|4")));
        check("getPrimaryKeys", c -> equal(
                columns(c.getMetaData().getPrimaryKeys(null, "shop", "item"), "COLUMN_NAME"), List.of()));
        check("getImportedKeys", c -> equal(
                columns(c.getMetaData().getImportedKeys(null, "shop", "item"), "FKCOLUMN_NAME"), List.of()));
        check("getIndexInfo", c -> equal(
                columns(c.getMetaData().getIndexInfo(null, "shop", "item", false, false), "INDEX_NAME"), List.of()));
        check("keys and indexes", c -> {
            execute(c, "CREATE TABLE shop.owner (id bigint PRIMARY KEY, a int, b int, CONSTRAINT ab UNIQUE (a, b))");
            execute(c, "CREATE TABLE shop.pet (id bigint PRIMARY KEY, x int, y int,"
                    + " CONSTRAINT xy FOREIGN KEY (x, y) REFERENCES shop.owner (a, b))");
            DatabaseMetaData data = c.getMetaData();
            equal(columns(data.getPrimaryKeys(null, "shop", "owner"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"),
                    List.of("id|1|owner_pkey"));
            List<String> foreign = List.of("owner|a|pet|x|1|xy|ab", "owner|b|pet|y|2|xy|ab");
            String[] names = {"PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME", "FKCOLUMN_NAME", "KEY_SEQ", "FK_NAME",
                "PK_NAME"};
            equal(columns(data.getImportedKeys(null, "shop", "pet"), names), foreign);
            equal(columns(data.getExportedKeys(null, "shop", "owner"), names), foreign);
            equal(columns(data.getIndexInfo(null, "shop", "owner", true, false), "INDEX_NAME", "COLUMN_NAME",
                    "ORDINAL_POSITION", "NON_UNIQUE"),
                    List.of("ab|a|1|f", "ab|b|2|f", "owner_pkey|id|1|f"));
            execute(c, "DROP TABLE shop.pet, shop.owner");
        });
        check("getTypeInfo", c -> {
            List<String> types = columns(c.getMetaData().getTypeInfo(), "TYPE_NAME", "DATA_TYPE");
            for (String type : List.of("int8|-5", "text|12", "numeric|2", "bool|-7", "timestamptz|93")) {
                equal(types.contains(type) ? type : "no " + type, type);
            }
        });
        check("getFunctions", c -> equal(
                columns(c.getMetaData().getFunctions(null, "pg_catalog", "upper"), "FUNCTION_NAME")
                        .contains("upper"), true));
        check("ResultSetMetaData", c -> {
            try (Statement statement = c.createStatement()) {
                ResultSetMetaData data = statement.executeQuery("SELECT id, price, name FROM shop.item").getMetaData();
                equal(data.getColumnTypeName(2) + "|" + data.getPrecision(2) + "|" + data.getScale(2), "numeric|10|2");
                equal(data.getTableName(1) + "|" + data.getColumnName(1), "item|id");
                equal(((org.postgresql.PGResultSetMetaData) data).getBaseTableName(1), "item");
                equal(data.isNullable(1), ResultSetMetaData.columnNoNulls);
            }
        });
    }

    static void queries() {
        Feature types = c -> {
            execute(c, "SET TimeZone = 'UTC'");
            String text = "SELECT ?::int, ?::bigint, ?::float8, ?::numeric, ?::text, ?::bool, ?::date, ?::timestamp,"
                    + " ?::timestamptz";
            OffsetDateTime zoned = OffsetDateTime.of(2024, 2, 29, 12, 34, 56, 789_000, ZoneOffset.UTC);
            LocalDateTime local = zoned.toLocalDateTime();
            List<Object> values = List.of(7, 1L << 40, 2.5, new BigDecimal("12345678901234567890.123"), "täxt", true,
                    LocalDate.of(2024, 2, 29), local, zoned);
            try (PreparedStatement statement = c.prepareStatement(text)) {
                // The driver names the statement and asks for binary results after some executions.
                for (int run = 0; run < 8; run++) {
                    for (int i = 0; i < values.size(); i++) {
                        statement.setObject(i + 1, values.get(i));
                    }
                    ResultSet result = statement.executeQuery();
                    result.next();
                    for (int i = 0; i < values.size(); i++) {
                        equal(result.getObject(i + 1, values.get(i).getClass()), values.get(i));
                    }
                }
            }
        };
        check("types in extended mode", types);
        check("types in binary at once", types, "prepareThreshold", "-1");
        check("types in simple mode", types, "preferQueryMode", "simple");
        check("nulls", c -> {
            try (PreparedStatement statement = c.prepareStatement("SELECT ?::bigint, ?::text")) {
                statement.setNull(1, Types.BIGINT);
                statement.setString(2, null);
                equal(rows(statement.executeQuery()), List.of(Arrays.asList(null, null)));
            }
        });
        check("parameters without a cast", c -> {
            try (PreparedStatement statement =
                    c.prepareStatement("SELECT name FROM shop.item WHERE id = ? AND sold >= ? AND price < ?")) {
                statement.setInt(1, 1);
                statement.setDate(2, Date.valueOf("2024-01-01"));
                statement.setBigDecimal(3, new BigDecimal("0.75"));
                equal(rows(statement.executeQuery()), List.of(List.of("apple")));
            }
        });
        check("arrays", c -> {
            try (PreparedStatement statement = c.prepareStatement("SELECT ?::bigint[]")) {
                statement.setArray(1, c.createArrayOf("bigint", new Long[] {1L, null, 3L}));
                ResultSet result = statement.executeQuery();
                result.next();
                equal(Arrays.asList((Long[]) result.getArray(1).getArray()), Arrays.asList(1L, null, 3L));
            }
        });
        check("fetch size", c -> {
            c.setAutoCommit(false);
            try (Statement statement = c.createStatement()) {
                statement.setFetchSize(100);
                ResultSet result = statement.executeQuery("SELECT id FROM shop.many ORDER BY id");
                long sum = 0;
                while (result.next()) {
                    sum += result.getLong(1);
                }
                equal(sum, 12502500L);
            }
            c.commit();
        });
        check("two open results", c -> {
            c.setAutoCommit(false);
            try (Statement one = c.createStatement(); Statement two = c.createStatement()) {
                one.setFetchSize(2);
                two.setFetchSize(3);
                ResultSet up = one.executeQuery("SELECT id FROM shop.many ORDER BY id");
                ResultSet down = two.executeQuery("SELECT id FROM shop.many ORDER BY id DESC");
                for (long n = 1; n <= 20; n++) {
                    up.next();
                    down.next();
                    equal(up.getLong(1) + down.getLong(1), 5001L);
                }
            }
            c.rollback();
        });
        check("maxRows", c -> {
            try (Statement statement = c.createStatement()) {
                statement.setMaxRows(10);
                equal(rows(statement.executeQuery("SELECT id FROM shop.many")).size(), 10);
            }
        });
        check("several results", c -> {
            try (Statement statement = c.createStatement()) {
                equal(statement.execute("SELECT 1; SELECT 'two'"), true);
                equal(rows(statement.getResultSet()), List.of(List.of(1)));
                equal(statement.getMoreResults(), true);
                equal(rows(statement.getResultSet()), List.of(List.of("two")));
            }
        });
        check("errors", c -> {
            PSQLException error = (PSQLException) failure(x -> query(x, "SELECT nothing FROM shop.item"), c);
            equal(error.getSQLState(), "42703");
            equal(error.getServerErrorMessage().getPosition(), 8);
            equal(query(c, "SELECT 1"), List.of(List.of(1)));
        });
        check("query timeout", c -> {
            try (Statement statement = c.createStatement()) {
                statement.setQueryTimeout(1);
                String text = "SELECT count(*) FROM shop.many a, shop.many b, shop.many d WHERE a.id + b.id + d.id = 1";
                equal(failure(x -> statement.executeQuery(text), c).getSQLState(), "57014");
            }
        });
    }

    static void changes() {
        check("batch", c -> {
            execute(c, "CREATE TABLE shop.batch (id bigint, label text)");
            try (PreparedStatement statement = c.prepareStatement("INSERT INTO shop.batch VALUES (?, ?)")) {
                for (int n = 0; n < 5; n++) {
                    statement.setLong(1, n);
                    statement.setString(2, "row " + n);
                    statement.addBatch();
                }
                equal(Arrays.stream(statement.executeBatch()).sum(), 5);
            }
            equal(query(c, "SELECT count(*), sum(id)::bigint FROM shop.batch"), List.of(List.of(5L, 10L)));
        });
        check("update counts", c -> {
            try (Statement statement = c.createStatement()) {
                equal(statement.executeUpdate("UPDATE shop.batch SET label = 'x' WHERE id >= 3"), 2);
                equal(statement.executeUpdate("DELETE FROM shop.batch WHERE id = 0"), 1);
            }
        });
        check("COPY", c -> {
            var copy = c.unwrap(PGConnection.class).getCopyAPI();
            equal(copy.copyIn("COPY shop.batch FROM STDIN (FORMAT csv)", new StringReader("20,a\n21,b\n")), 2L);
            StringWriter out = new StringWriter();
            copy.copyOut("COPY (SELECT * FROM shop.batch WHERE id >= 20 ORDER BY id) TO STDOUT (FORMAT csv)", out);
            equal(out.toString(), "20,a\n21,b\n");
        });
        check("a failed transaction refuses", c -> {
            c.setAutoCommit(false);
            equal(failure(x -> query(x, "SELECT 1/0"), c).getSQLState(), "22012");
            equal(failure(x -> query(x, "SELECT 1"), c).getSQLState(), "25P02");
            c.rollback();
            equal(query(c, "SELECT 1"), List.of(List.of(1)));
        });
    }
}

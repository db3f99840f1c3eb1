using System;
using System.Collections.Generic;
using System.Data;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Npgsql;
using NpgsqlTypes;

/// <summary>Npgsql against the server that libpq's variables name; prints what conformance/run reads.</summary>
static class Check
{
    static readonly string address = "Host=" + Variable("PGHOST") + ";Port=" + Variable("PGPORT") + ";Username="
        + Variable("PGUSER") + ";Database=" + Variable("PGDATABASE") + ";Timeout=30;";

    static string Variable(string name) => Environment.GetEnvironmentVariable(name);

    static NpgsqlConnection Connect(string options = "")
    {
        var connection = new NpgsqlConnection(address + "Password=" + Variable("PGPASSWORD") + ";" + options);
        connection.Open();
        return connection;
    }

    /// <summary>A value as text: lists in braces, bytes in hexadecimal digits, numbers without a culture.</summary>
    static string Text(object value)
    {
        if (value == null || value is DBNull)
        {
            return "null";
        }
        if (value is string)
        {
            return (string)value;
        }
        if (value is byte[])
        {
            return BitConverter.ToString((byte[])value);
        }
        if (value is DateTime)
        {
            return ((DateTime)value).ToString("yyyy-MM-dd HH:mm:ss.ffffff");
        }
        if (value is System.Collections.IEnumerable)
        {
            return "{" + string.Join(",", ((System.Collections.IEnumerable)value).Cast<object>().Select(Text)) + "}";
        }
        return value is IFormattable
            ? ((IFormattable)value).ToString(null, System.Globalization.CultureInfo.InvariantCulture)
            : value.ToString();
    }

    static void Equal(object actual, object expected)
    {
        if (Text(actual) != Text(expected))
        {
            throw new Exception("expected " + Text(expected) + ", got " + Text(actual));
        }
    }

    static void Execute(NpgsqlConnection connection, params string[] statements)
    {
        foreach (var statement in statements)
        {
            using (var command = new NpgsqlCommand(statement, connection))
            {
                command.ExecuteNonQuery();
            }
        }
    }

    /// <summary>Rows of a query, values parted by bars and rows by line ends.</summary>
    static string Rows(NpgsqlConnection connection, string query, params object[] parameters)
    {
        using (var command = new NpgsqlCommand(query, connection))
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                command.Parameters.AddWithValue("p" + (i + 1), parameters[i]);
            }
            using (var reader = command.ExecuteReader())
            {
                return Rows(reader);
            }
        }
    }

    static string Rows(NpgsqlDataReader reader)
    {
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join("|", Enumerable.Range(0, reader.FieldCount).Select(i => Text(reader.GetValue(i)))));
        }
        return string.Join("\n", rows);
    }

    /// <summary>Some columns of a table of ADO.NET, of rows where one has a value.</summary>
    static string Columns(DataTable table, string where, string value, params string[] names)
    {
        return string.Join("\n", table.Rows.Cast<DataRow>().Where(row => Text(row[where]) == value)
            .Select(row => string.Join("|", names.Select(name => Text(row[name])))));
    }

    static PostgresException Fails(string state, Action action)
    {
        try
        {
            action();
        }
        catch (PostgresException error)
        {
            Equal(error.SqlState, state);
            return error;
        }
        throw new Exception("expected an error " + state);
    }

    static void Feature(string name, Action action)
    {
        try
        {
            action();
            Console.WriteLine("ok " + name);
        }
        catch (Exception error)
        {
            Console.WriteLine("not ok " + name + ": " + error.Message.Replace("\n", " / "));
        }
    }

    static void Feature(string name, Action<NpgsqlConnection> action)
    {
        Feature(name, () =>
        {
            using (var connection = Connect())
            {
                action(connection);
            }
        });
    }

    static void Main()
    {
        Console.WriteLine("version " + typeof(NpgsqlConnection).Assembly.GetName().Version);
        using (var connection = Connect())
        {
            Execute(connection,
                "CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, name varchar(40), amount numeric(12, 2), small smallint,"
                + " whole integer NOT NULL DEFAULT 7, at timestamp, zoned timestamptz, day date, ok boolean, raw bytea)",
                "INSERT INTO items VALUES (1, 'Ann', 10.50, 3, 4, '2024-01-15 10:00:00.123456', '2024-01-15 10:00:00+00',"
                + " '2024-01-15', true, '\\xdeadbeef'), (2, 'Bob', -0.01, NULL, 5, NULL, NULL, NULL, false, NULL),"
                + " (3, NULL, NULL, NULL, 6, NULL, NULL, NULL, NULL, NULL)",
                "CREATE TABLE parts (id integer NOT NULL, item bigint REFERENCES items (id))",
                "CREATE VIEW names AS SELECT id, name FROM items WHERE name IS NOT NULL",
                "COMMENT ON TABLE items IS 'what is sold'");
        }
        Connections();
        Metadata();
        Values();
        Statements();
        Copies();
        PowerBI();
    }

    static void Connections()
    {
        Feature("logs in with SCRAM", connection => Equal(Rows(connection, "SELECT current_user"), Variable("PGUSER")));
        Feature("refuses a wrong password", () => Fails("28P01", () =>
        {
            using (var connection = new NpgsqlConnection(address + "Password=wrong"))
            {
                connection.Open();
            }
        }));
        Feature("names a missing database", () => Fails("3D000", () => Connect("Database=missing")));
        Feature("TLS", () =>
        {
            using (var connection = Connect("SSL Mode=Require;Trust Server Certificate=true"))
            {
                Equal(Rows(connection, "SELECT 1"), "1");
            }
        });
        Feature("options of the connection string", () =>
        {
            using (var connection = Connect("Search Path=pg_catalog;Application Name=checks;Timezone=Europe/Paris"))
            {
                Equal(Rows(connection, "SELECT current_schema(), current_setting('application_name'),"
                    + " current_setting('TimeZone')"), "pg_catalog|checks|Europe/Paris");
            }
        });
        Feature("a pooled connection is reset", () =>
        {
            const string pool = "Maximum Pool Size=1;Application Name=pooled";
            int process;
            using (var connection = Connect(pool))
            {
                process = connection.ProcessID;
                Execute(connection, "SET TimeZone = 'Asia/Tokyo'", "CREATE TEMP TABLE kept (a integer)", "LISTEN channel",
                    "SELECT pg_advisory_lock(17)", "DECLARE hold CURSOR WITH HOLD FOR SELECT 1");
            }
            using (var connection = Connect(pool))
            {
                Equal(connection.ProcessID, process);
                Equal(Rows(connection, "SELECT current_setting('TimeZone') = 'Asia/Tokyo', to_regclass('kept') IS NULL,"
                    + " (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_cursors WHERE is_holdable),"
                    + " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"), "False|True|0|0|0");
            }
        });
        Feature("a broken transaction does not leak from the pool", () =>
        {
            const string pool = "Maximum Pool Size=1;Application Name=broken";
            using (var connection = Connect(pool))
            {
                connection.BeginTransaction();
                Fails("22012", () => Execute(connection, "SELECT 1 / 0"));
            }
            using (var connection = Connect(pool))
            {
                Equal(Rows(connection, "SELECT 1"), "1");
            }
        });
        Feature("notifications", connection =>
        {
            var heard = "";
            connection.Notification += (_, notice) => heard = notice.Condition + ": " + notice.AdditionalInformation;
            Execute(connection, "LISTEN news");
            using (var other = Connect())
            {
                Execute(other, "NOTIFY news, 'hello'");
            }
            connection.Wait(5000);
            Equal(heard, "news: hello");
        });
        Feature("notices", connection =>
        {
            var notice = "";
            connection.Notice += (_, told) => notice = told.Notice.SqlState + " " + told.Notice.MessageText;
            Execute(connection, "DROP TABLE IF EXISTS nowhere");
            Equal(notice, "00000 table \"nowhere\" does not exist, skipping");
        });
        Feature("keeps alive", () =>
        {
            using (var connection = Connect("Keepalive=1"))
            {
                Thread.Sleep(1500);
                Equal(Rows(connection, "SELECT 1"), "1");
            }
        });
    }

    static void Metadata()
    {
        Feature("schema collections", connection =>
        {
            Equal(Columns(connection.GetSchema("Databases"), "database_name", Variable("PGDATABASE"), "owner", "encoding"),
                Rows(connection, "SELECT pg_get_userbyid(datdba), 'UTF8' FROM pg_database WHERE datname = current_database()"));
            Equal(Columns(connection.GetSchema("Tables", new[] { null, "public" }), "table_name", "items",
                "table_catalog", "table_schema", "table_type"), Variable("PGDATABASE") + "|public|BASE TABLE");
            Equal(Columns(connection.GetSchema("Views", new[] { null, "public" }), "table_name", "names", "table_schema",
                "check_option", "is_updatable").Split('|')[0], "public");
            Equal(Columns(connection.GetSchema("Users"), "user_name", Variable("PGUSER"), "user_name"), Variable("PGUSER"));
            Equal(Columns(connection.GetSchema("Indexes", new[] { null, null, "items" }), "table_name", "items",
                "index_name"), "items_pkey");
            Equal(Columns(connection.GetSchema("IndexColumns", new[] { null, null, "items" }), "table_name", "items",
                "index_name", "column_name"), "items_pkey|id");
            Equal(connection.GetSchema("MetaDataCollections").Rows.Count > 5, true);
        });
        Feature("columns of a schema", connection => Equal(
            Columns(connection.GetSchema("Columns", new[] { null, "public", "items" }), "table_name", "items",
                "column_name", "ordinal_position", "column_default", "is_nullable", "data_type",
                "character_maximum_length", "numeric_precision", "numeric_scale", "datetime_precision"),
            "id|1|null|NO|int8|null|64|0|null\n"
            + "name|2|null|YES|varchar|40|null|null|null\n"
            + "amount|3|null|YES|numeric|null|12|2|null\n"
            + "small|4|null|YES|int2|null|16|0|null\n"
            + "whole|5|7|NO|int4|null|32|0|null\n"
            + "at|6|null|YES|timestamp|null|null|null|6\n"
            + "zoned|7|null|YES|timestamptz|null|null|null|6\n"
            + "day|8|null|YES|date|null|null|null|0\n"
            + "ok|9|null|YES|bool|null|null|null|null\n"
            + "raw|10|null|YES|bytea|null|null|null|null"));
        Feature("KeyInfo", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT id, name AS called, amount, whole + 1 AS more FROM items", connection))
            using (var reader = command.ExecuteReader(CommandBehavior.SchemaOnly | CommandBehavior.KeyInfo))
            {
                var names = new[] { "ColumnName", "BaseSchemaName", "BaseTableName", "BaseColumnName", "DataType",
                    "AllowDBNull", "IsKey", "IsUnique", "IsAutoIncrement", "NumericPrecision", "NumericScale", "ColumnSize" };
                Equal(string.Join("\n", reader.GetSchemaTable().Rows.Cast<DataRow>()
                    .Select(row => string.Join("|", names.Select(name => Text(row[name]))))),
                    "id|public|items|id|System.Int64|False|True|True|False|0|0|-1\n"
                    + "called|public|items|called|System.String|True|False|False|False|0|0|40\n"
                    + "amount|public|items|amount|System.Decimal|True|False|False|False|12|2|-1\n"
                    + "more|null|null|more|System.Int32|null|False|False|False|0|0|-1");
            }
        });
        Feature("a data adapter changes rows by key", connection =>
        {
            Execute(connection, "CREATE TABLE adapted (id integer NOT NULL PRIMARY KEY, name text)",
                "INSERT INTO adapted VALUES (1, 'one'), (2, 'two'), (3, 'three')");
            using (var adapter = new NpgsqlDataAdapter("SELECT id, name FROM adapted ORDER BY id", connection))
            using (var builder = new NpgsqlCommandBuilder(adapter))
            {
                var table = new DataTable();
                adapter.Fill(table);
                table.Rows[0]["name"] = "ONE";
                table.Rows[1].Delete();
                table.Rows.Add(4, "four");
                Equal(adapter.Update(table), 3);
            }
            Equal(Rows(connection, "SELECT * FROM adapted ORDER BY id"), "1|ONE\n3|three\n4|four");
        });
        Feature("parameters are derived", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT name FROM items WHERE id = :id AND amount > :least AND day = :day", connection))
            {
                NpgsqlCommandBuilder.DeriveParameters(command);
                Equal(command.Parameters.Cast<NpgsqlParameter>().Select(one => one.ParameterName + " " + one.NpgsqlDbType),
                    "{id Bigint,least Numeric,day Date}");
            }
        });
        Feature("a new table's row type is loaded", connection =>
        {
            connection.ReloadTypes();
            Equal(Rows(connection, "SELECT ARRAY[1, 2], ARRAY['a', NULL], ARRAY[true]"), "{1,2}|{a,null}|{True}");
        });
    }

    static void Values()
    {
        Feature("reads each type", connection => Equal(
            Rows(connection, "SELECT * FROM items WHERE id = 1") + "\n" + Rows(connection, "SELECT * FROM items WHERE id = 3"),
            "1|Ann|10.50|3|4|2024-01-15 10:00:00.123456|2024-01-15 10:00:00.000000|2024-01-15 00:00:00.000000|True|DE-AD-BE-EF\n"
            + "3|null|null|null|6|null|null|null|null|null"));
        Feature("reads other types", connection => Equal(
            Rows(connection, "SELECT 1::real, 2.5::float8, 'a'::\"char\", 'n'::name, 5::oid, interval '1 day 2 hours',"
                + " time '10:20:30', '{\"a\": 1}'::json, '{\"a\": 1}'::jsonb, '11111111-2222-3333-4444-555555555555'::uuid,"
                + " 12345678901234567890.123456789::numeric, '192.168.0.1'::inet"),
            "1|2.5|a|n|5|1.02:00:00|10:20:30|{\"a\": 1}|{\"a\": 1}|11111111-2222-3333-4444-555555555555|12345678901234567890.123456789|192.168.0.1"));
        Feature("reads arrays", connection => Equal(
            Rows(connection, "SELECT ARRAY[1, 2]::bigint[], ARRAY[1.5, 2.5], ARRAY['2024-01-15'::date], ARRAY['\\x01'::bytea],"
                + " '{}'::integer[], ARRAY[[1, 2], [3, 4]]"),
            "{1,2}|{1.5,2.5}|{2024-01-15 00:00:00.000000}|{01}|{}|{1,2,3,4}"));
        Feature("writes each type", connection => Equal(
            Rows(connection, "SELECT @p1 + 1, @p2 || '!', @p3 * 2, @p4, @p5, @p6, @p7, @p8::text, @p9",
                41L, "text", 1.25m, true, new DateTime(2024, 1, 15, 1, 2, 3), new byte[] { 1, 2 },
                Guid.Parse("11111111-2222-3333-4444-555555555555"), TimeSpan.FromHours(26), 2.5),
            "42|text!|2.50|True|2024-01-15 01:02:03.000000|01-02|11111111-2222-3333-4444-555555555555|1 day 02:00:00|2.5"));
        Feature("writes arrays", connection => Equal(
            Rows(connection, "SELECT id FROM items WHERE id = ANY (@p1) OR name = ANY (@p2) ORDER BY id", new[] { 3L }, new[] { "Ann" }),
            "1\n3"));
        Feature("typed parameters", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT @day + 1, @at, @json ->> 'a', @nothing::text IS NULL", connection))
            {
                command.Parameters.Add("day", NpgsqlDbType.Date).Value = new DateTime(2024, 2, 28);
                command.Parameters.Add("at", NpgsqlDbType.TimestampTz).Value = new DateTime(2024, 1, 15, 1, 2, 3, DateTimeKind.Utc);
                command.Parameters.Add("json", NpgsqlDbType.Jsonb).Value = "{\"a\": \"x\"}";
                command.Parameters.Add("nothing", NpgsqlDbType.Text).Value = DBNull.Value;
                using (var reader = command.ExecuteReader())
                {
                    Equal(Rows(reader), "2024-02-29 00:00:00.000000|2024-01-15 01:02:03.000000|x|True");
                }
            }
        });
        Feature("sequential access", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT repeat('x', 3000000), decode(repeat('ab', 1000000), 'hex'), 7", connection))
            using (var reader = command.ExecuteReader(CommandBehavior.SequentialAccess))
            {
                reader.Read();
                using (var text = reader.GetTextReader(0))
                {
                    Equal(text.ReadToEnd().Length, 3000000);
                }
                using (var bytes = reader.GetStream(1))
                {
                    var buffer = new MemoryStream();
                    bytes.CopyTo(buffer);
                    Equal(buffer.Length, 1000000);
                }
                Equal(reader.GetInt32(2), 7);
            }
        });
        Feature("many rows", connection =>
        {
            long sum = 0;
            using (var command = new NpgsqlCommand("SELECT g, g::text FROM generate_series(1, 200000) AS g", connection))
            using (var reader = command.ExecuteReader())
            {
                while (reader.Read())
                {
                    sum += reader.GetInt32(0);
                    if (reader.GetString(1) != reader.GetInt32(0).ToString())
                    {
                        throw new Exception("row " + reader.GetInt32(0) + " says " + reader.GetString(1));
                    }
                }
            }
            Equal(sum, 20000100000L);
        });
    }

    static void Statements()
    {
        Feature("prepared statements", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT name FROM items WHERE id = @id", connection))
            {
                var id = command.Parameters.Add("id", NpgsqlDbType.Bigint);
                command.Prepare();
                var names = new List<string>();
                for (var i = 1; i <= 3; i++)
                {
                    id.Value = (long)i;
                    names.Add(Text(command.ExecuteScalar()));
                }
                Equal(names, "{Ann,Bob,null}");
                Equal(Rows(connection, "SELECT count(*) FROM pg_prepared_statements"), "1");
                command.Unprepare();
                Equal(Rows(connection, "SELECT count(*) FROM pg_prepared_statements"), "0");
            }
        });
        Feature("statements are prepared by use", () =>
        {
            using (var connection = Connect("Max Auto Prepare=5;Auto Prepare Min Usages=2"))
            {
                for (var i = 0; i < 6; i++)
                {
                    Equal(Rows(connection, "SELECT name FROM items WHERE id = @p1", 2L), "Bob");
                }
                Execute(connection, "CREATE TABLE changing (a integer)", "INSERT INTO changing VALUES (1)");
                Equal(Rows(connection, "SELECT * FROM changing WHERE a = @p1", 1), "1");
                Equal(Rows(connection, "SELECT * FROM changing WHERE a = @p1", 1), "1");
                Fails("0A000", () =>
                {
                    Execute(connection, "ALTER TABLE changing ADD COLUMN b text");
                    Rows(connection, "SELECT * FROM changing WHERE a = @p1", 1);
                });
            }
        });
        Feature("several statements at once", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT 1; SELECT 'two' AS b; INSERT INTO parts VALUES (1, 1), (2, 1)", connection))
            using (var reader = command.ExecuteReader())
            {
                Equal(Rows(reader), "1");
                Equal(reader.NextResult(), true);
                Equal(reader.GetName(0) + Rows(reader), "btwo");
                reader.NextResult();
                Equal(reader.RecordsAffected, 2);
                Equal(command.Statements.Select(one => one.StatementType + " " + one.Rows), "{Select 1,Select 1,Insert 2}");
            }
        });
        Feature("transactions and savepoints", connection =>
        {
            using (var transaction = connection.BeginTransaction(IsolationLevel.RepeatableRead))
            {
                Equal(Rows(connection, "SHOW transaction_isolation"), "repeatable read");
                Execute(connection, "INSERT INTO parts VALUES (10, 1)");
                transaction.Save("before");
                Fails("22P02", () => Execute(connection, "INSERT INTO parts VALUES ('x'::integer, 1)"));
                transaction.Rollback("before");
                Execute(connection, "INSERT INTO parts VALUES (11, 1)");
                transaction.Commit();
            }
            using (var transaction = connection.BeginTransaction())
            {
                Execute(connection, "DELETE FROM parts");
                transaction.Rollback();
            }
            Equal(Rows(connection, "SELECT id FROM parts WHERE id >= 10 ORDER BY id"), "10\n11");
        });
        Feature("a command times out", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT pg_sleep(20)", connection) { CommandTimeout = 1 })
            {
                try
                {
                    command.ExecuteNonQuery();
                    throw new Exception("it did not time out");
                }
                catch (NpgsqlException error)
                {
                    Equal(error.InnerException is IOException || error.InnerException is TimeoutException, true);
                }
            }
        });
        Feature("a command is canceled", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT pg_sleep(20)", connection))
            {
                var waits = Task.Run(() => Fails("57014", () => command.ExecuteNonQuery()));
                Thread.Sleep(500);
                command.Cancel();
                waits.GetAwaiter().GetResult();
            }
            Equal(Rows(connection, "SELECT 1"), "1");
        });
        Feature("asynchronous commands", connection =>
        {
            using (var command = new NpgsqlCommand("SELECT sum(g) FROM generate_series(1, 1000) AS g", connection))
            {
                Equal(command.ExecuteScalarAsync().GetAwaiter().GetResult(), 500500L);
            }
        });
        Feature("errors", connection =>
        {
            var error = Fails("42P01", () => Execute(connection, "SELECT * FROM nowhere"));
            Equal(error.MessageText + " at " + error.Position, "relation \"nowhere\" does not exist at 15");
            Equal(Fails("42703", () => Execute(connection, "SELECT nothing FROM items")).Position, 8);
            error = Fails("23502", () => Execute(connection, "INSERT INTO items (id, whole) VALUES (9, NULL)"));
            Equal(error.SchemaName + "." + error.TableName + "." + error.ColumnName, "public.items.whole");
            Fails("42601", () => Execute(connection, "SELEC 1"));
        });
    }

    static void Copies()
    {
        Feature("COPY in binary", connection =>
        {
            Execute(connection, "CREATE TABLE copied (a integer, b text, c numeric(10, 2), d timestamp, e boolean, f bytea)");
            using (var writer = connection.BeginBinaryImport("COPY copied FROM STDIN (FORMAT BINARY)"))
            {
                for (var i = 0; i < 1000; i++)
                {
                    writer.StartRow();
                    writer.Write(i);
                    writer.Write("row " + i);
                    writer.Write(i / 100m, NpgsqlDbType.Numeric);
                    writer.Write(new DateTime(2024, 1, 1).AddSeconds(i), NpgsqlDbType.Timestamp);
                    writer.Write(i % 2 == 0);
                    writer.WriteNull();
                }
                writer.Complete();
            }
            Equal(Rows(connection, "SELECT count(*), sum(a), sum(c), max(d), count(*) FILTER (WHERE e), count(f) FROM copied"),
                "1000|499500|4995.00|2024-01-01 00:16:39.000000|500|0");
            using (var reader = connection.BeginBinaryExport("COPY (SELECT a, b, c FROM copied WHERE a < 2 ORDER BY a) TO STDOUT (FORMAT BINARY)"))
            {
                var rows = new List<string>();
                while (reader.StartRow() != -1)
                {
                    rows.Add(reader.Read<int>() + "|" + reader.Read<string>() + "|" + Text(reader.Read<decimal>()));
                }
                Equal(rows, "{0|row 0|0.00,1|row 1|0.01}");
            }
        });
        Feature("COPY in text", connection =>
        {
            Execute(connection, "CREATE TABLE texts (a integer, b text)");
            using (var writer = connection.BeginTextImport("COPY texts FROM STDIN (FORMAT csv)"))
            {
                writer.Write("1,\"a,b\"\n2,\n");
            }
            using (var reader = connection.BeginTextExport("COPY (SELECT * FROM texts ORDER BY a) TO STDOUT"))
            {
                Equal(reader.ReadToEnd(), "1\ta,b\n2\t\\N\n");
            }
        });
        Feature("a COPY that is given up leaves nothing", connection =>
        {
            Execute(connection, "CREATE TABLE given_up (a integer)");
            using (var writer = connection.BeginBinaryImport("COPY given_up FROM STDIN (FORMAT BINARY)"))
            {
                writer.StartRow();
                writer.Write(1);
            }
            Equal(Rows(connection, "SELECT count(*) FROM given_up"), "0");
        });
    }

    /// <summary>Power BI's connector sends its statements through this driver; the answers arrive in binary.</summary>
    static void PowerBI()
    {
        Feature("Power BI's navigator", connection =>
        {
            Equal(Rows(connection, "select character_set_name from INFORMATION_SCHEMA.character_sets"), "UTF8");
            Equal(Rows(connection, "select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE from INFORMATION_SCHEMA.tables"
                + " where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') and TABLE_NAME in ('items', 'names', 'parts')"
                + " order by TABLE_SCHEMA, TABLE_NAME"), "public|items|BASE TABLE\npublic|names|VIEW\npublic|parts|BASE TABLE");
            Equal(Rows(connection, "select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%')"
                + " then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE from INFORMATION_SCHEMA.columns"
                + " where TABLE_SCHEMA = 'public' and TABLE_NAME = 'parts' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"),
                "id|1|NO|integer\nitem|2|YES|bigint");
        });
        Feature("Power BI's relationships", connection => Equal(
            Rows(connection, "select pkcol.COLUMN_NAME as PK_COLUMN_NAME, fkcol.TABLE_SCHEMA AS FK_TABLE_SCHEMA,"
                + " fkcol.TABLE_NAME AS FK_TABLE_NAME, fkcol.COLUMN_NAME as FK_COLUMN_NAME, fkcol.ORDINAL_POSITION as ORDINAL,"
                + " fkcon.CONSTRAINT_SCHEMA || '_' || fkcol.TABLE_NAME || '_' || 'items' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME"
                + " from (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name,"
                + " unique_constraint_name from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon"
                + " inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA"
                + " and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME"
                + " inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA"
                + " and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME"
                + " where pkcol.TABLE_SCHEMA = 'public' and pkcol.TABLE_NAME = 'items'"
                + " and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION order by FK_NAME, fkcol.ORDINAL_POSITION"),
            "id|public|parts|item|1|public_parts_items_parts_item_fkey"));
        Feature("Power BI's preview", connection => Equal(
            Rows(connection, "select \"$Table\".\"id\" as \"id\", \"$Table\".\"name\" as \"name\", \"$Table\".\"amount\" as \"amount\","
                + " \"$Table\".\"day\" as \"day\" from \"public\".\"items\" \"$Table\" order by \"$Table\".\"id\" limit 1000"),
            "1|Ann|10.50|2024-01-15 00:00:00.000000\n2|Bob|-0.01|null\n3|null|null|null"));
        Feature("Power BI's DirectQuery", connection => Equal(
            Rows(connection, "select \"_\".\"name\" as \"c1\", \"_\".\"a0\" as \"a0\", \"_\".\"a1\" as \"a1\" from (select \"rows\".\"name\" as \"name\","
                + " sum(cast(\"rows\".\"amount\" as decimal)) as \"a0\", count(\"rows\".\"id\") as \"a1\" from (select \"_\".\"id\", \"_\".\"name\","
                + " \"_\".\"amount\" from \"public\".\"items\" \"_\" where \"_\".\"at\" < timestamp '2025-01-01 00:00:00' and \"_\".\"name\" like 'A%' escape '\\')"
                + " \"rows\" group by \"name\") \"_\" where not \"_\".\"a0\" is null order by \"_\".\"name\" limit 1000001 offset 0"),
            "Ann|10.50|1"));
        Feature("DirectQuery with parameters", connection => Equal(
            Rows(connection, "select \"_\".\"name\" from \"public\".\"items\" \"_\" where \"_\".\"whole\" >= @p1 and \"_\".\"amount\" < @p2"
                + " and (\"_\".\"zoned\" is null or \"_\".\"zoned\" > @p3) order by \"_\".\"id\" limit 10", 4, 11m, new DateTime(2024, 1, 1)),
            "Ann\nBob"));
    }
}

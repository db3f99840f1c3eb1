<?php
// PDO against the server that libpq's variables name.
echo 'version ', phpversion('pdo_pgsql'), "\n";

function connect(): PDO
{
    $pdo = new PDO('pgsql:host=' . getenv('PGHOST') . ';port=' . getenv('PGPORT') . ';dbname=' . getenv('PGDATABASE'),
        getenv('PGUSER'), getenv('PGPASSWORD'));
    $pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    return $pdo;
}

function feature(string $name, callable $check, mixed $expected): void
{
    try {
        $found = json_encode($check(connect()), JSON_UNESCAPED_UNICODE);
        $wanted = json_encode($expected, JSON_UNESCAPED_UNICODE);
        echo $found === $wanted ? "ok $name\n" : "not ok $name: expected $wanted, got $found\n";
    } catch (Throwable $error) {
        echo "not ok $name: ", preg_replace('/\s+/', ' ', $error->getMessage()), "\n";
    }
}

feature('logs in with SCRAM', fn ($pdo) => $pdo->query('SELECT current_user')->fetchColumn(), 'admin');
feature('types', fn ($pdo) => $pdo->query("SELECT 1::int, 2.50::numeric(10, 2), true, 'täxt', NULL, 2.5::float8, DATE '2024-01-02'")->fetch(PDO::FETCH_NUM),
    [1, '2.50', true, 'täxt', null, '2.5', '2024-01-02']);
feature('prepared statements', function ($pdo) {
    $statement = $pdo->prepare('SELECT CAST(:a AS int) + 1 AS n, CAST(:b AS text) AS t');
    $found = [];
    foreach ([1, 2] as $n) {
        $statement->execute(['a' => $n, 'b' => "it's"]);
        $found[] = $statement->fetch(PDO::FETCH_ASSOC);
    }
    return $found;
}, [['n' => 2, 't' => "it's"], ['n' => 3, 't' => "it's"]]);
feature('emulated prepares', function ($pdo) {
    $pdo->setAttribute(PDO::ATTR_EMULATE_PREPARES, true);
    $statement = $pdo->prepare('SELECT CAST(? AS bigint) * 2');
    $statement->execute([21]);
    return $statement->fetchColumn();
}, 42);
feature('row counts and transactions', function ($pdo) {
    $pdo->exec('CREATE TABLE php_rows (id bigint, name varchar(10))');
    $pdo->beginTransaction();
    $inserted = $pdo->exec("INSERT INTO php_rows VALUES (1, 'a'), (2, NULL)");
    $pdo->rollBack();
    return [$inserted, $pdo->query('SELECT count(*) FROM php_rows')->fetchColumn()];
}, [2, 0]);
feature('column metadata', function ($pdo) {
    $meta = $pdo->query('SELECT id, name FROM php_rows')->getColumnMeta(1);
    return [$meta['name'], $meta['native_type'], $meta['table']];
}, ['name', 'varchar', 'php_rows']);
feature('COPY', function ($pdo) {
    $pdo->pgsqlCopyFromArray('php_rows', ["5\tfive\n", "6\t\\N\n"]);
    return $pdo->pgsqlCopyToArray('php_rows');
}, ["5\tfive\n", "6\t\\N\n"]);
feature('errors', function ($pdo) {
    try {
        $pdo->query('SELECT * FROM nope');
    } catch (PDOException $error) {
        return $error->getCode();
    }
}, '42P01');
feature('scrollable cursor', function ($pdo) {
    $pdo->beginTransaction();
    $statement = $pdo->prepare('SELECT n FROM generate_series(1, 5) AS n', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $statement->execute();
    $statement->fetch();
    return $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_NEXT)[0];
}, 2);
feature('lists of the pgsql extension', function () {
    $link = pg_connect('');
    $columns = pg_meta_data($link, 'php_rows');
    $rows = pg_fetch_all(pg_query_params($link, 'SELECT $1::int AS a', [7]));
    return [array_map(fn ($column) => $column['type'], $columns), $rows];
}, [['id' => 'int8', 'name' => 'varchar'], [['a' => '7']]]);

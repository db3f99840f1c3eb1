# Ruby's pg against the server that libpq's variables name.
require 'pg'
require 'bigdecimal'
$stdout.sync = true
puts "version #{PG::VERSION}"

def feature(name, expected)
  connection = PG.connect
  connection.set_notice_receiver { |_| }
  found = yield connection
  puts found == expected ? "ok #{name}" : "not ok #{name}: expected #{expected.inspect}, got #{found.inspect}"
rescue StandardError => e
  puts "not ok #{name}: #{e.class} #{e.message.gsub(/\s+/, ' ')[0, 300]}"
ensure
  connection&.close
end

feature('logs in with SCRAM', 'admin') { |c| c.exec('SELECT current_user').getvalue(0, 0) }
feature('types by map', [1, 2.5, BigDecimal('1.50'), true, 'täxt', nil, [1, nil], "A"]) do |c|
  c.type_map_for_results = PG::BasicTypeMapForResults.new(c)
  c.exec("SELECT 1::int, 2.5::float8, 1.50::numeric(10, 2), true, 'täxt'::text, NULL::int, ARRAY[1, NULL], '\\x41'::bytea").values[0]
end
feature('parameters by map', [42, "it's", [1, 2]]) do |c|
  c.type_map_for_queries = PG::BasicTypeMapForQueries.new(c)
  c.type_map_for_results = PG::BasicTypeMapForResults.new(c)
  c.exec_params('SELECT $1::int + 1, $2::text, $3::int[]', [41, "it's", [1, 2]]).values[0]
end
feature('prepared statements', [%w[2], %w[3]]) do |c|
  c.prepare('add', 'SELECT $1::int + 1')
  [1, 2].map { |n| c.exec_prepared('add', [n]).values[0] }
end
feature('single row mode', 500_500) do |c|
  c.send_query('SELECT n FROM generate_series(1, 1000) AS n')
  c.set_single_row_mode
  sum = 0
  while (result = c.get_result)
    result.check
    result.each { |row| sum += row['n'].to_i }
  end
  sum
end
feature('column descriptions', [['relname', 19], ['relnatts', 21]]) do |c|
  result = c.exec('SELECT relname, relnatts FROM pg_class LIMIT 1')
  result.fields.each_with_index.map { |name, at| [name, result.ftype(at)] }
end
feature('the table of a column', 'ruby_columns') do |c|
  c.exec('CREATE TABLE ruby_columns (id bigint)')
  oid = c.exec('SELECT id FROM ruby_columns').ftable(0)
  c.exec_params('SELECT $1::oid::regclass', [oid]).getvalue(0, 0)
end
feature('transactions', '0') do |c|
  c.exec('CREATE TABLE ruby_rows (id bigint, name text)')
  begin
    c.transaction { c.exec("INSERT INTO ruby_rows VALUES (1, 'a')"); raise 'undo' }
  rescue RuntimeError
    nil
  end
  c.exec('SELECT count(*) FROM ruby_rows').getvalue(0, 0)
end
feature('COPY', ["1\ta\n", "2\t\\N\n"]) do |c|
  encoder = PG::TextEncoder::CopyRow.new
  c.copy_data('COPY ruby_rows FROM STDIN', encoder) { c.put_copy_data([1, 'a']); c.put_copy_data([2, nil]) }
  lines = []
  c.copy_data('COPY (SELECT * FROM ruby_rows ORDER BY id) TO STDOUT') { while (line = c.get_copy_data) do lines << line end }
  lines
end
feature('pipeline', %w[1 2]) do |c|
  c.enter_pipeline_mode
  c.send_query_params('SELECT 1', [])
  c.send_query_params('SELECT 2', [])
  c.pipeline_sync
  found = []
  2.times { found << c.get_result.getvalue(0, 0); c.get_result }
  c.get_result
  c.exit_pipeline_mode
  found
end
feature('errors', '42P01') do |c|
  c.exec('SELECT * FROM nope')
rescue PG::UndefinedTable => e
  e.result.error_field(PG::PG_DIAG_SQLSTATE)
end
feature('cancel', true) do |c|
  c.send_query('SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b')
  sleep 0.3
  c.cancel
  c.get_last_result
  false
rescue PG::QueryCanceled
  true
end
feature('notifications', %w[news hello]) do |c|
  c.exec('LISTEN news')
  c.exec("NOTIFY news, 'hello'")
  heard = nil
  c.wait_for_notify(5) { |channel, _, payload| heard = [channel, payload] }
  heard
end

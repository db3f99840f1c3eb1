# DBD::Pg against the server that libpq's variables name.
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:pg_types);

binmode STDOUT, ':utf8';
$| = 1;
print "version $DBD::Pg::VERSION\n";
my $dbh = DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 1, PrintError => 0, AutoCommit => 1 });

sub one_line { my $text = join ' ', map { defined $_ ? $_ : 'undef' } @_; $text =~ s/\s+/ /g; return substr $text, 0, 300 }
sub feature {
    my ($name, $check, @expected) = @_;
    my @found = eval { $check->() };
    if ($@) { print "not ok $name: ", one_line($@), "\n"; eval { $dbh->rollback unless $dbh->{AutoCommit} }; $dbh->{AutoCommit} = 1; return }
    my ($got, $want) = (one_line(@found), one_line(@expected));
    print $got eq $want ? "ok $name\n" : "not ok $name: expected $want, got $got\n";
}

feature 'logs in with SCRAM', sub { $dbh->selectrow_array('SELECT current_user') }, 'admin';
feature 'ping', sub { $dbh->ping > 0 ? 'alive' : 'dead' }, 'alive';
feature 'types', sub {
    my @row = $dbh->selectrow_array("SELECT 1::int, 2.50::numeric(10, 2), true, 'täxt', NULL, '\\x41'::bytea, ARRAY[1, 2]");
    $row[6] = "[@{$row[6]}]";
    @row;
}, 1, '2.50', 1, 'täxt', undef, 'A', '[1 2]';
feature 'parameters', sub { $dbh->selectrow_array('SELECT ?::int + 1, ?::text', undef, 41, "it's") }, 42, "it's";
feature 'prepared statements', sub {
    my $statement = $dbh->prepare('SELECT ?::int * 2');
    map { $statement->execute($_); $statement->fetchrow_array } 1 .. 4;
}, 2, 4, 6, 8;
feature 'row counts', sub {
    $dbh->do('CREATE TABLE perl_rows (id bigint, name varchar(10))');
    ($dbh->do("INSERT INTO perl_rows VALUES (1, 'a'), (2, 'b')"), $dbh->do('DELETE FROM perl_rows WHERE id = 5') + 0);
}, 2, 0;
feature 'table_info', sub { my $row = $dbh->table_info(undef, 'public', 'perl_rows', 'TABLE')->fetchrow_hashref; @$row{qw(TABLE_NAME TABLE_TYPE)} }, 'perl_rows', 'TABLE';
feature 'column_info', sub { map { "$_->[3]:$_->[5]:" . ($_->[6] // '') } @{$dbh->column_info(undef, 'public', 'perl_rows', '%')->fetchall_arrayref} }, 'id:bigint:8', 'name:character varying:10';
feature 'tables', sub { grep { /perl_rows/ } $dbh->tables(undef, 'public', '%', 'TABLE') }, 'public.perl_rows';
feature 'primary_key', sub { scalar(my @keys = $dbh->primary_key(undef, 'public', 'perl_rows')) }, 0;
feature 'COPY', sub {
    $dbh->do('COPY perl_rows FROM STDIN');
    $dbh->pg_putcopydata("3\tc\n");
    $dbh->pg_putcopyend;
    $dbh->do("COPY (SELECT * FROM perl_rows WHERE id = 3) TO STDOUT");
    my ($line, @lines);
    push @lines, $line while $dbh->pg_getcopydata($line) >= 0;
    @lines;
}, "3\tc\n";
feature 'transactions and savepoints', sub {
    $dbh->begin_work;
    $dbh->do("INSERT INTO perl_rows VALUES (9, 'z')");
    $dbh->pg_savepoint('one');
    eval { $dbh->do('SELECT nope') };
    $dbh->pg_rollback_to('one');
    my ($inside) = $dbh->selectrow_array('SELECT count(*) FROM perl_rows');
    $dbh->rollback;
    ($inside, $dbh->selectrow_array('SELECT count(*) FROM perl_rows'));
}, 4, 3;
feature 'errors', sub { eval { $dbh->do('SELECT * FROM nope') }; $dbh->state }, '42P01';
feature 'notifications', sub {
    $dbh->do('LISTEN news');
    $dbh->do("NOTIFY news, 'hello'");
    my $note = $dbh->pg_notifies;
    ($note->[0], $note->[2]);
}, 'news', 'hello';
$dbh->disconnect;

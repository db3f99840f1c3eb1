// lib/pq against the server that libpq's variables name.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
)

type feature struct {
	name  string
	check func(db *sql.DB) error
}

// equal compares values as fmt shows them.
func equal(got, want interface{}) error {
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		return fmt.Errorf("expected %s, got %s", w, g)
	}
	return nil
}

var features = []feature{
	{"logs in with SCRAM", func(db *sql.DB) error {
		var user string
		if err := db.QueryRow("SELECT current_user").Scan(&user); err != nil {
			return err
		}
		return equal(user, "admin")
	}},
	{"TLS with verify-full", func(*sql.DB) error {
		db, err := sql.Open("postgres", "sslmode=verify-full sslrootcert="+os.Getenv("CA"))
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Ping()
	}},
	{"types", func(db *sql.DB) error {
		var a int64
		var b float64
		var c string
		var d bool
		var e []byte
		var f time.Time
		var g sql.NullString
		var h []int64
		var i string
		err := db.QueryRow(`SELECT 1, 2.5::float8, 'täxt', true, '\x00ff'::bytea, TIMESTAMPTZ '2024-02-29 12:00:00+00', NULL::text,
			ARRAY[1, 2], 1.50::numeric(10, 2)`).Scan(&a, &b, &c, &d, &e, &f, &g, pq.Array(&h), &i)
		if err != nil {
			return err
		}
		return equal([]interface{}{a, b, c, d, e, f.UTC().Format(time.RFC3339), g.Valid, h, i},
			[]interface{}{1, 2.5, "täxt", true, []byte{0, 255}, "2024-02-29T12:00:00Z", false, []int64{1, 2}, "1.50"})
	}},
	{"parameters", func(db *sql.DB) error {
		var n int64
		var t string
		err := db.QueryRow("SELECT $1::bigint + 1, $2::text || $3", 41, "a", "b").Scan(&n, &t)
		if err != nil {
			return err
		}
		return equal(fmt.Sprint(n, t), "42ab")
	}},
	{"ANY of an array", func(db *sql.DB) error {
		var n int64
		err := db.QueryRow("SELECT count(*) FROM generate_series(1, 10) AS n WHERE n = ANY($1)", pq.Array([]int64{2, 4, 20})).Scan(&n)
		if err != nil {
			return err
		}
		return equal(n, 2)
	}},
	{"prepared statements", func(db *sql.DB) error {
		statement, err := db.Prepare("SELECT $1::int * 2")
		if err != nil {
			return err
		}
		defer statement.Close()
		for n := 1; n < 4; n++ {
			var m int
			if err := statement.QueryRow(n).Scan(&m); err != nil {
				return err
			}
			if err := equal(m, n*2); err != nil {
				return err
			}
		}
		return nil
	}},
	{"column types", func(db *sql.DB) error {
		rows, err := db.Query("SELECT 1::bigint AS a, 'x'::varchar(5) AS b, 1.5::numeric(6, 2) AS c")
		if err != nil {
			return err
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		length, _ := types[1].Length()
		precision, scale, _ := types[2].DecimalSize()
		return equal([]interface{}{types[0].DatabaseTypeName(), types[1].DatabaseTypeName(), length, precision, scale},
			[]interface{}{"INT8", "VARCHAR", 5, 6, 2})
	}},
	{"transactions and row counts", func(db *sql.DB) error {
		if _, err := db.Exec("CREATE TABLE go_rows (id bigint, name text)"); err != nil {
			return err
		}
		tx, err := db.BeginTx(context.Background(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			return err
		}
		result, err := tx.Exec("INSERT INTO go_rows VALUES (1, 'a'), (2, $1)", nil)
		if err != nil {
			return err
		}
		inserted, _ := result.RowsAffected()
		if err := tx.Rollback(); err != nil {
			return err
		}
		var left int
		if err := db.QueryRow("SELECT count(*) FROM go_rows").Scan(&left); err != nil {
			return err
		}
		return equal([]int64{inserted, int64(left)}, []int64{2, 0})
	}},
	{"COPY in", func(db *sql.DB) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		statement, err := tx.Prepare(pq.CopyIn("go_rows", "id", "name"))
		if err != nil {
			return err
		}
		for n := 0; n < 100; n++ {
			if _, err := statement.Exec(n, fmt.Sprintf("n%d", n)); err != nil {
				return err
			}
		}
		if _, err := statement.Exec(); err != nil {
			return err
		}
		statement.Close()
		if err := tx.Commit(); err != nil {
			return err
		}
		var sum int
		if err := db.QueryRow("SELECT sum(id) FROM go_rows").Scan(&sum); err != nil {
			return err
		}
		return equal(sum, 4950)
	}},
	{"errors", func(db *sql.DB) error {
		_, err := db.Exec("SELECT * FROM nope")
		var told *pq.Error
		if !errors.As(err, &told) {
			return fmt.Errorf("%v", err)
		}
		return equal(told.Code.Name(), "undefined_table")
	}},
	{"a context cancels", func(db *sql.DB) error {
		ctx, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer stop()
		var n int64
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b").Scan(&n)
		if err == nil {
			return errors.New("it was quick")
		}
		return nil
	}},
	{"notifications", func(db *sql.DB) error {
		listener := pq.NewListener("sslmode=disable", time.Second, time.Minute, nil)
		defer listener.Close()
		if err := listener.Listen("news"); err != nil {
			return err
		}
		if _, err := db.Exec("SELECT pg_notify('news', 'hello')"); err != nil {
			return err
		}
		select {
		case note := <-listener.Notify:
			return equal(note.Extra, "hello")
		case <-time.After(5 * time.Second):
			return errors.New("nothing was heard")
		}
	}},
}

func main() {
	for _, one := range features {
		db, err := sql.Open("postgres", "sslmode=disable")
		if err == nil {
			checked := make(chan error, 1)
			go func() { checked <- one.check(db) }()
			select {
			case err = <-checked:
			case <-time.After(20 * time.Second):
				err = errors.New("no answer for 20 s")
			}
		}
		if err == nil {
			fmt.Println("ok", one.name)
		} else {
			fmt.Printf("not ok %s: %s\n", one.name, strings.Join(strings.Fields(err.Error()), " "))
		}
	}
}

"""The systems that answer the queries: each is loaded, asked, and stopped in the same way."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile

import duckdb
import psycopg

from tables import POSTGRESQL, POSTGRESQL_INDEXES, TABLES

TIMEOUT_SECONDS = 600


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DuckDB:
    """DuckDB inside this process, over its own storage."""

    name = "DuckDB"

    def __init__(self, parquet, delta):
        self.connection = duckdb.connect()
        self.load(parquet, delta)

    def load(self, parquet, delta):
        for table in TABLES:
            self.connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{parquet}/{table}.parquet'")

    def version(self):
        return duckdb.__version__

    def rows(self, text):
        return self.connection.execute(text).fetchall()

    def stop(self):
        self.connection.close()


class DuckDBOverParquet(DuckDB):
    """DuckDB inside this process, over the parquet files of the Delta tables."""

    name = "DuckDB over parquet"

    def load(self, parquet, delta):
        for table in TABLES:
            self.connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{delta}/{table}/*.parquet'")


class PostgreSQL:
    """A PostgreSQL server of our own, with keys and the indexes that TPC-H allows."""

    name = "PostgreSQL"

    def __init__(self, parquet, delta, is_loaded=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tpch-postgres-"))
        self.port = free_port()
        # The server refuses to run as root; Debian's package makes a user for it.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(self.folder, self.user)
        self.run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "shared_buffers": "2GB",
            "work_mem": "256MB",
            "maintenance_work_mem": "512MB",
            "max_wal_size": "8GB",
            "fsync": "off",
            "jit": "off",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.run("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start")
        self.connection = psycopg.connect(self.address(), autocommit=True)
        if is_loaded:
            self.load(parquet)
        self.connection.execute(f"SET statement_timeout = '{TIMEOUT_SECONDS}s'")

    def address(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program, *arguments):
        found = shutil.which(program) or str(max(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{program}")))
        command = [found, *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def load(self, parquet):
        reader = duckdb.connect()
        for table in TABLES:
            self.connection.execute(f"CREATE TABLE {table} ({POSTGRESQL[table]})")
            csv = self.folder / f"{table}.csv"
            reader.execute(f"COPY (FROM '{parquet}/{table}.parquet') TO '{csv}' (HEADER false)")
            with open(csv, "rb") as file, self.connection.cursor().copy(
                    f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
            csv.unlink()
        for statement in POSTGRESQL_INDEXES:
            self.connection.execute(statement)
        self.connection.execute("VACUUM ANALYZE")

    def version(self):
        return self.connection.execute("SHOW server_version").fetchone()[0].split()[0]

    def rows(self, text):
        return self.connection.execute(text).fetchall()

    def stop(self):
        self.connection.close()
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")
        shutil.rmtree(self.folder)


class Lakegate:
    """A Lakegate server of our own, over the Delta tables."""

    name = "Lakegate"

    def __init__(self, parquet, delta, is_loaded=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tpch-lakegate-"))
        password = "benchmark"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAKEGATE_")}
        environment["LAKEGATE_ADMIN_PASSWORD"] = password
        binary = os.environ.get("BINARY", "lakegate")
        self.log = open(self.folder / "log", "w")
        self.server = subprocess.Popen(
            [binary, "serve", "--data", self.folder / "data", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, env=environment, text=True, cwd=self.folder)
        self.uri = f"postgresql://admin:{password}@{self.ready_address()}/main"
        self.connection = psycopg.connect(self.uri, autocommit=True)
        for table in TABLES if is_loaded else ():
            self.connection.execute(f"CREATE TABLE {table} USING DELTA LOCATION 'file://{delta}/{table}'")
        self.connection.execute(f"SET statement_timeout = '{TIMEOUT_SECONDS}s'")

    def address(self):
        return self.uri

    def ready_address(self):
        for line in self.server.stdout:
            if ready := re.match(r"lakegate is ready: postgresql://(\S+)", line):
                return ready[1]
        raise SystemExit(f"lakegate did not start:\n{(self.folder / 'log').read_text()}")

    def version(self):
        return self.connection.execute("SELECT version()").fetchone()[0].split(",")[0]

    def rows(self, text):
        return self.connection.execute(text).fetchall()

    def peak_memory_bytes(self):
        """The most memory that the server ever held."""
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.connection.close()
        self.server.terminate()
        self.server.wait(timeout=60)
        self.log.close()
        shutil.rmtree(self.folder)


PEERS = {"lakegate": Lakegate, "duckdb": DuckDB, "duckdb-parquet": DuckDBOverParquet, "postgresql": PostgreSQL}

#!/usr/bin/env python3
"""A night's batch: a million invoices and a million vouchers into SQLite and into PostgreSQL, and who waits meanwhile.

For whom: whoever has to say until when the night's files are in. What is compared is how many documents a second a
running Waybill reads, checks, writes and publishes, with what the database alone takes of the very same rows: COPY into a
table with the same indexes, and SQLite's inserts of a hundred rows each.

    python3 benches/ingest/run.py [--documents 1000000] [--only sqlite,postgres] [--small 3000] [--folder /var/tmp]

Builds the release binaries, wants Debian's postgresql and openssh-client, and root (for the control groups, and because
PostgreSQL refuses it). Everything listens on loopback and lives in a temporary folder, and is gone afterwards; a million
documents want some 12 GB there, on a real disk: syncs are what is measured.
"""

import argparse
import json
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from machine import Waybill, built, free_port, run, sftp  # noqa: E402

X12_HEAD = ("ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>~\n"
            "GS*IN*NORTHWIND*HARBOUR*20260105*0900*7*X*004010~\n")
VOUCHER_HEAD = ("company_code,vendor_no,site_code,vendor_name,supplier_invoice_no,voucher_no,invoice_date,due_date,"
                "currency,gross,open,status_code,pay_doc,pay_date\n")


def x12(file, count):
    """Invoices of three lines: some 600 bytes each."""
    file.write(X12_HEAD)
    for number in range(1, count + 1):
        # 10 x 2.50, 4 x 12.25 and a line whose price goes with the number.
        cents = 1_00 + number % 90_000
        total = 25_00 + 49_00 + cents
        file.write(f"ST*810*{number:09}~\nBIG*20260105*NW-{number:09}**PO-{number // 7:08}***DI~\nCUR*SE*USD~\n"
                   f"REF*DP*{number % 97:03}~\nN1*SE*Northwind Mills*92*V-12~\nN3*1 Mill Lane~\nN4*Portland*ME*04101*US~\n"
                   f"N1*BY*Harbour Foods*9*9876543210~\nITD*01*3*****30~\n"
                   f"IT1*1*10*EA*2.50**VP*OAT-1~\nPID*F****Rolled oats, one sack~\n"
                   f"IT1*2*4*CA*12.25**VP*RYE-2~\nPID*F****Rye flour, a case~\n"
                   f"IT1*3*1*EA*{cents // 100}.{cents % 100:02}**VP*FRT~\nPID*F****Freight and packing~\n"
                   f"TDS*{total}~\nCTT*3~\nSE*18*{number:09}~\n")
    file.write(f"GE*{count}*7~\nIEA*1*000000007~\n")


def vouchers(file, count):
    """Rows of a payer's nightly list of open items."""
    file.write(VOUCHER_HEAD)
    for number in range(1, count + 1):
        cents = 10_00 + number % 900_000
        gross = f"{cents // 100}.{cents % 100:02}"
        if number % 4:
            rest = f"{gross},approved,,"
        else:
            rest = f"0.00,paid,CHK-{number // 40:07},2026-02-10"
        file.write(f"H100,V-{number % 10_000:05},MAIN,Supplier {number % 10_000:05} Ltd,INV-{number:08},{500_000 + number},"
                   f"2026-01-{1 + number % 28:02},2026-02-{1 + number % 28:02},USD,{gross},{rest}\n")


FEEDS = {"x12": ("invoices.edi", x12, "supplier"), "vouchers": ("vouchers.csv", vouchers, "payer")}


class Sqlite:
    name, settings, environment = "SQLite and a directory", "", {}

    def __init__(self, folder):
        pass

    def raw(self, data, scratch):
        """Rows a second of inserts of a hundred rows each of the documents that are there, with all their indexes."""
        source = sqlite3.connect(f"file:{data}/waybill.db?mode=ro", uri=True)
        schema = [row[0] for row in source.execute(
            "select sql from sqlite_master where tbl_name = 'document' and sql is not null order by type desc")]
        target = sqlite3.connect(os.path.join(scratch, "raw.db"), isolation_level=None)
        target.execute("pragma journal_mode = wal")
        target.execute("pragma synchronous = full")
        for text in schema:
            target.execute(text)
        rows = source.execute("select * from document")
        columns = len(rows.description)
        one, count, seconds = "(" + ",".join("?" * columns) + ")", 0, 0.0
        while chunk := rows.fetchmany(500):
            began = time.perf_counter()
            target.execute("begin immediate")
            for at in range(0, len(chunk), 100):
                part = chunk[at:at + 100]
                target.execute(f"insert into document values {','.join([one] * len(part))}",
                               [value for row in part for value in row])
            target.execute("commit")
            seconds += time.perf_counter() - began
            count += len(chunk)
        target.close()
        os.unlink(os.path.join(scratch, "raw.db"))
        return count / seconds

    def stop(self):
        pass


class Postgres:
    name, settings = "PostgreSQL and a directory", ""

    def __init__(self, folder):
        versions = sorted(os.listdir("/usr/lib/postgresql"), key=float)
        self.programs = f"/usr/lib/postgresql/{versions[-1]}/bin"
        self.folder = tempfile.mkdtemp(prefix="pg-", dir=folder)
        shutil.chown(self.folder, "postgres")
        os.chmod(folder, 0o755)
        self.port = free_port()
        self.data = os.path.join(self.folder, "data")
        self.call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a") as file:
            file.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{self.folder}'\n"
                       "max_connections = 100\nshared_buffers = '512MB'\nmax_wal_size = '4GB'\n")
        self.call("pg_ctl", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-s", "-w", "start")
        self.number = 0

    @property
    def environment(self):
        return {"WAYBILL_STORE_DATABASE": f"postgres://house{self.number}@127.0.0.1:{self.port}/house{self.number}"}

    def renew(self):
        self.number += 1
        self.psql("postgres", f"create role house{self.number} login nosuperuser nobypassrls")
        self.psql("postgres", f"create database house{self.number} owner house{self.number}")

    def call(self, program, *words):
        run("runuser", "-u", "postgres", "--", os.path.join(self.programs, program), *words, cwd="/")

    def psql(self, database, text):
        return run(os.path.join(self.programs, "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                   "-p", str(self.port), "-U", "postgres", "-d", database, "-c", text).stdout.strip()

    def raw(self, data, scratch):
        """Rows a second of COPY of the documents that are there, into a table with the same indexes."""
        database, path = f"house{self.number}", os.path.join(self.folder, "rows")
        count = int(self.psql(database, "select count(*) from document"))
        self.psql(database, f"copy document to '{path}'")
        self.psql(database, "create table raw (like document including all)")
        self.psql(database, "checkpoint")
        began = time.perf_counter()
        self.psql(database, f"copy raw from '{path}'")
        seconds = time.perf_counter() - began
        os.unlink(path)
        self.psql(database, "drop table raw")
        return count / seconds

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-s", "-m", "fast", "stop")
        shutil.rmtree(self.folder)


class Night:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.binary, self.load = built("waybill", "--bin"), built("doors-load", "--bench")
        self.key = os.path.join(folder, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        self.rows, self.waits = [], []

    def feed(self, kind):
        name, write, _ = FEEDS[kind]
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            with open(path, "w") as file:
                write(file, self.options.documents)
        return path

    def parse_only(self, path):
        """Documents a second of `waybill check`, in CPU time of one core."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(self.binary, "check", path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self.options.documents / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    def put(self, waybill, path):
        run(*sftp(waybill, self.key), input=f"put {path} /drop/{os.path.basename(path)}\n")

    def small(self, waybill, count):
        told = run(self.load, "puts", f"127.0.0.1:{waybill.port}", waybill.user, self.key, waybill.target, "--count",
                   str(count), "--parallel", "8").stdout.splitlines()
        figures = json.loads(told[-1])
        if figures["failed"]:
            sys.exit(f"{figures['failed']} small files failed: {told[0]}")
        return figures

    def waiting(self, store, what, figures):
        print(f"{store.name}: small files, {what}: {figures['per_second']:.0f} a second, CLOSE p50 "
              f"{figures['close_p50_ms']:.1f} ms, p99 {figures['close_p99_ms']:.1f} ms", flush=True)
        self.waits.append(f"| {store.name} | {what} | {figures['per_second']:.0f} | {figures['close_p50_ms']:.1f} | "
                          f"{figures['close_p99_ms']:.1f} |")

    def batch(self, store, kind):
        path = self.feed(kind)
        parsed = self.parse_only(path)
        folder = tempfile.mkdtemp(prefix="house-", dir=self.folder)
        if hasattr(store, "renew"):
            store.renew()
        waybill = Waybill(self.binary, folder, self.key, store.settings, store.environment, FEEDS[kind][2])
        try:
            if kind == "x12":
                self.waiting(store, "alone", self.small(waybill, self.options.small))
                waybill.settle()
            idle = waybill.peak()
            self.put(waybill, path)
            used, began, close = waybill.cpu(), time.perf_counter(), []
            while True:
                found = waybill.files("--name", os.path.basename(path))[0]
                if found["status"] not in ("stored", "parsing"):
                    break
                if kind == "x12":
                    close.append(self.small(waybill, max(200, self.options.small // 10)))
                else:
                    time.sleep(0.5)
            waybill.settle()
            if found["status"] != "applied" or found["documents"] != self.options.documents:
                sys.exit(f"{path} was not read as it should: {found}")
            event = json.loads(waybill.ask("tail", "--json", "--file", found["id"], "--type", "file.applied").splitlines()[-1])
            seconds = event["dur_ms"] / 1000
            cpu, peak = waybill.cpu() - used, waybill.peak()
            if close:
                worst = {key: max(one[key] for one in close) for key in ("close_p50_ms", "close_p99_ms")}
                rate = sum(one["count"] for one in close) / sum(one["seconds"] for one in close)
                self.waiting(store, "while the batch is read", {"per_second": rate, **worst})
        finally:
            waybill.stop()
        raw = store.raw(waybill.data, self.folder)
        shutil.rmtree(folder)
        rate = self.options.documents / seconds
        print(f"{store.name}: {self.options.documents} documents of {kind} in {seconds:.1f} s: {rate:.0f} a second; "
              f"the database alone {raw:.0f}, parsing alone {parsed:.0f}; daemon CPU {cpu:.1f} s, peak memory "
              f"{peak / 2**20:.0f} MiB ({idle / 2**20:.0f} before)", flush=True)
        self.rows.append(f"| {kind} | {store.name} | {rate:,.0f} | {raw:,.0f} | {rate / raw:.2f}x | {parsed:,.0f} | "
                         f"{rate / parsed:.2f}x | {peak / 2**20:.0f} MiB |")

    def told(self):
        print("\n| feed | store | documents a second | the database alone | ratio | parsing alone | ratio | peak memory |\n"
              "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(self.rows))
        print("\n| store | small files (10 KiB, one commit each) | a second | CLOSE p50, ms | CLOSE p99, ms |\n"
              "| --- | --- | ---: | ---: | ---: |")
        print("\n".join(self.waits))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=3_000, help="small files put in a row")
    parser.add_argument("--only", default="sqlite,postgres")
    parser.add_argument("--folder", default="/var/tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        night = Night(options, folder)
        for name, kind in [("sqlite", Sqlite), ("postgres", Postgres)]:
            if name not in options.only.split(","):
                continue
            store = kind(folder)
            try:
                for feed in FEEDS:
                    night.batch(store, feed)
            finally:
                store.stop()
        night.told()


if __name__ == "__main__":
    main()

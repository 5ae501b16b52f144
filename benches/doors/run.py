#!/usr/bin/env python3
"""The doors beside OpenSSH's sshd and vsftpd: the same work on the same machine, in turns.

For whom: whoever pays for the machine that takes the nightly batches, and whoever has ten thousand suppliers. What
is compared is the CPU the *server* spends (all its processes, by their control group), the wall time the client
sees, and memory. Waybill does more for it: it digests each file, syncs it and commits it before it answers; sshd
and vsftpd write into the page cache.

    python3 benches/doors/run.py [--only put,get,parallel,connect,idle,ftps,ftps-small] [--mib 1024] [--rounds 5]

Builds the release binaries, wants openssh-server, vsftpd, curl and openssh-client from Debian, and root (for the
control groups). Everything listens on loopback and lives in a temporary folder (--folder, default /dev/shm), and
is gone afterwards. Prints a line a run, then a table of medians and ratios, as benches/README.md keeps them.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from machine import Server, Waybill, built, free_port, run, sftp  # noqa: E402

LIMITS = "[doors]\nconnections_max = 20000\nconnections_per_address_max = 20000\nbefore_login_max = 2000\n"


class Ours(Waybill):
    def settle(self):
        """And takes away what was put: forty gigabytes would not fit into memory. Nobody looks at it again."""
        super().settle()
        for folder, _, names in os.walk(os.path.join(self.data, "originals")):
            for name in names:
                os.unlink(os.path.join(folder, name))


class Sshd(Server):
    name = "sshd"

    def __init__(self, folder, key):
        host = os.path.join(folder, "host_key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host)
        authorized = os.path.join(folder, "authorized_keys")
        shutil.copy(key + ".pub", authorized)
        os.chmod(authorized, 0o600)
        os.makedirs("/run/sshd", exist_ok=True)
        self.target = os.path.join(folder, "sshd-drop") + "/"
        os.makedirs(self.target)
        config = os.path.join(folder, "sshd_config")
        with open(config, "w") as file:
            file.write(f"ListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {authorized}\n"
                       "StrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\nMaxStartups 2000\n"
                       "PasswordAuthentication no\nLogLevel ERROR\nPermitRootLogin yes\n")
        self.port = str(free_port())
        self.start("/usr/sbin/sshd", "-D", "-e", "-f", config, "-p", self.port,
                   log=open(os.path.join(folder, "sshd.log"), "w"))
        self.user = os.environ.get("USER") or "root"
        time.sleep(0.5)

    def settle(self):
        for name in os.listdir(self.target):
            os.unlink(os.path.join(self.target, name))


class Vsftpd(Server):
    """With a local user and a password, as ours has: the system's own hash, checked through PAM."""

    name = "vsftpd"
    account, password = "doors-bench", "a long password"

    def __init__(self, folder):
        certificate = os.path.join(folder, "vsftpd.pem")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", certificate + ".key", "-out", certificate)
        root = os.path.join(folder, "vsftpd-root")
        self.folder = os.path.join(root, "drop")
        os.makedirs(self.folder)
        subprocess.run(["userdel", self.account], stderr=subprocess.DEVNULL, check=False)
        run("useradd", "--no-create-home", "--home-dir", root, "--shell", "/bin/sh", self.account)
        run("chpasswd", input=f"{self.account}:{self.password}\n")
        os.chmod(root, 0o555)
        shutil.chown(self.folder, self.account)
        os.chmod(folder, 0o755)
        os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
        self.ftps_port = str(free_port())
        config = os.path.join(folder, "vsftpd.conf")
        with open(config, "w") as file:
            file.write(f"""listen=YES
listen_address=127.0.0.1
listen_port={self.ftps_port}
background=NO
anonymous_enable=NO
local_enable=YES
pam_service_name=vsftpd
write_enable=YES
local_umask=022
local_root={root}
chroot_local_user=YES
ssl_enable=YES
force_local_data_ssl=YES
force_local_logins_ssl=YES
require_ssl_reuse=NO
ssl_tlsv1=NO
ssl_sslv2=NO
ssl_sslv3=NO
ssl_ciphers=HIGH
rsa_cert_file={certificate}
rsa_private_key_file={certificate}.key
seccomp_sandbox=NO
xferlog_enable=NO
max_per_ip=0
max_clients=0
""")
        self.start("/usr/sbin/vsftpd", config, log=open(os.path.join(folder, "vsftpd.log"), "w"))
        self.login, self.target = f"{self.account}:{self.password}", "/drop/"
        time.sleep(0.5)

    def settle(self):
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))

    def stop(self):
        super().stop()
        run("userdel", self.account)


class Client:
    def __init__(self, folder, key, load, options):
        self.folder, self.key, self.load, self.options = folder, key, load, options
        self.number = 0

    def source(self, mib, number=0):
        """Other bytes each time: the same ones would be a duplicate."""
        path = os.path.join(self.folder, f"source-{mib}-{number}.bin")
        if not os.path.exists(path):
            with open(path, "wb") as file:
                for _ in range(mib):
                    file.write(os.urandom(1 << 20))
        with open(path, "r+b") as file:
            file.write(os.urandom(64))
        return path

    def name(self, server):
        self.number += 1
        return f"{server.target}f{self.number}.bin"

    def sftp(self, server, cipher):
        return sftp(server, self.key, "-c", cipher)

    def put(self, server, cipher):
        source, name = self.source(self.options.mib), self.name(server)
        return measured(server, lambda: run(*self.sftp(server, cipher), input=f"put {source} {name}\n"))

    def get(self, server, cipher):
        source, name = self.source(self.options.mib), self.name(server)
        run(*self.sftp(server, cipher), input=f"put {source} {name}\n")
        if isinstance(server, Waybill):
            Waybill.settle(server)
        back = os.path.join(self.folder, "back.bin")
        seen = measured(server, lambda: run(*self.sftp(server, cipher), input=f"get {name} {back}\n"))
        run("cmp", source, back)
        os.unlink(back)
        return seen

    def parallel(self, server, cipher):
        mib = max(1, self.options.mib // 8)
        sources = [(self.source(mib, number), self.name(server)) for number in range(8)]

        def all_at_once():
            clients = [(subprocess.Popen(self.sftp(server, cipher), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL),
                        f"put {source} {name}\n") for source, name in sources]
            for client, batch in clients:
                client.stdin.write(batch.encode())
                client.stdin.close()
            if any(client.wait() != 0 for client, _ in clients):
                sys.exit("a parallel put failed")

        return measured(server, all_at_once)

    def connect(self, server, _):
        return measured(server, lambda: self.loaded("connect", server, server.target, "--count", "400"))

    def loaded(self, work, server, *more):
        told = run(self.load, work, f"127.0.0.1:{server.port}", server.user, self.key, *more).stdout.splitlines()
        figures = json.loads(told[-1])
        if figures["failed"]:
            sys.exit(f"{figures['failed']} connections to {server.name} failed: {told[0]}")

    def idle(self, server, count):
        before = server.pss()
        client = subprocess.Popen([self.load, "idle", f"127.0.0.1:{server.port}", server.user, self.key, "--count",
                                   str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        opened = json.loads(client.stdout.readline())["open"]
        if opened != count:
            sys.exit(f"{opened} of {count} sessions of {server.name} are open")
        time.sleep(1)
        after = server.pss()
        client.stdin.close()
        client.wait()
        time.sleep(1)
        return (after - before) / count, after

    def curl(self, server, source, name):
        return ["curl", "-sS", "--ssl-reqd", "-k", "-u", server.login, "-T", source,
                f"ftp://127.0.0.1:{server.ftps_port}{name}"]

    def ftps(self, server, _):
        source, name = self.source(self.options.mib), self.name(server)
        return measured(server, lambda: run(*self.curl(server, source, name)))

    def ftps_small(self, server, _):
        small = os.path.join(self.folder, "small")
        os.makedirs(small, exist_ok=True)
        sources = []
        for number in range(200):
            path = os.path.join(small, f"{number}.bin")
            with open(path, "wb") as file:
                file.write(os.urandom(10_240))
            sources.append((path, self.name(server)))

        def eight_at_a_time():
            waiting, running = list(sources), []
            while waiting or running:
                while waiting and len(running) < 8:
                    running.append(subprocess.Popen(self.curl(server, *waiting.pop())))
                if running.pop(0).wait() != 0:
                    sys.exit(f"an upload to {server.name} failed")

        return measured(server, eight_at_a_time)


def of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(server, work):
    """Wall time, CPU of the server, CPU of the clients."""
    before, theirs, began = server.cpu(), of_children(), time.monotonic()
    work()
    wall, theirs = time.monotonic() - began, of_children() - theirs
    # Whoever serves this connection has still to say good-bye. No longer: what ours then reads of the file is
    # another work, which sshd does not do at all.
    time.sleep(0.02)
    return wall, server.cpu() - before, theirs


def turns(what, servers, work, rounds):
    """Runs `work` with each server in turns; the medians of wall and CPU time, by server."""
    seen = {server.name: [] for server in servers}
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            figures = work(server)
            server.settle()
            seen[server.name].append(figures)
            print(f"{what}: {server.name:8} wall {figures[0]:7.3f} s, server CPU {figures[1]:7.3f} s, "
                  f"clients {figures[2]:7.3f} s", flush=True)
    return {name: [statistics.median(column) for column in zip(*runs)] for name, runs in seen.items()}


def row(what, medians, peer, target):
    (wall, cpu, clients), (their_wall, their_cpu, their_clients) = medians["waybill"], medians[peer]
    return (f"| {what} | {peer} | {cpu:.2f} / {their_cpu:.2f} s | {cpu / their_cpu:.2f}x | {wall:.2f} / {their_wall:.2f} s | "
            f"{their_wall / wall:.2f}x | {clients:.2f} / {their_clients:.2f} s | {target} |")


GCM, CHACHA = "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="put,get,parallel,connect,idle,ftps,ftps-small")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=int, default=10_000, help="sessions held open, of ours")
    parser.add_argument("--folder", default="/dev/shm")
    options = parser.parse_args()
    wanted = options.only.split(",")
    for program in ["/usr/sbin/sshd", "/usr/sbin/vsftpd"]:
        if not os.path.exists(program):
            sys.exit(f"there is no {program} to compare with: apt-get install openssh-server vsftpd curl openssl")
    binary, load = built("waybill", "--bin"), built("doors-load", "--bench")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        key = os.path.join(folder, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        client = Client(folder, key, load, options)
        waybill, servers, rows = Ours(binary, folder, key, LIMITS), [], []
        servers.append(waybill)
        try:
            sshd, vsftpd = Sshd(folder, key), Vsftpd(folder)
            servers += [sshd, vsftpd]
            size = f"{options.mib} MiB"
            for kind, what, work, cipher, peer, target in [
                ("put", f"SFTP put {size}, aes128-gcm", client.put, GCM, sshd, "CPU at most 0.70x"),
                ("put", f"SFTP put {size}, chacha20", client.put, CHACHA, sshd, "CPU at most 0.75x"),
                ("get", f"SFTP get {size}, aes128-gcm", client.get, GCM, sshd, "CPU at most 0.8x"),
                ("parallel", f"eight SFTP puts of {options.mib // 8} MiB at once", client.parallel, GCM, sshd, "speed at least 1.5x"),
                ("connect", "400 new SFTP connections, 10 KiB each", client.connect, None, sshd, "speed at least 10x"),
                ("ftps", f"FTPS put {size}", client.ftps, None, vsftpd, "speed at least 3x"),
                ("ftps-small", "200 new FTPS sessions, 10 KiB each, by curl, 8 at once", client.ftps_small, None, vsftpd, "speed at least 1.0x"),
            ]:
                if kind in wanted:
                    medians = turns(what, [waybill, peer], lambda server: work(server, cipher), options.rounds)
                    rows.append(row(what, medians, peer.name, target))
            if "idle" in wanted:
                ours, _ = client.idle(waybill, 1000)
                theirs, _ = client.idle(sshd, 200)
                print(f"idle: waybill {ours / 1024:.1f} KiB a session, sshd {theirs / 1024:.0f} KiB", flush=True)
                _, all_of_them = client.idle(waybill, options.idle)
                print(f"idle: waybill with {options.idle} sessions open: {all_of_them / 1e6:.0f} MB", flush=True)
                rows.append(f"| an idle SFTP session (1,000 of ours, 200 of theirs) | sshd | {ours / 1024:.1f} / "
                            f"{theirs / 1024:.0f} KiB | {ours / theirs:.3f}x | | | | at most 48 KiB |")
                rows.append(f"| {options.idle:,} idle SFTP sessions | | {all_of_them / 1e6:.0f} MB in all | | | | | under 600 MB |")
            print("\n| work | peer | server CPU, Waybill / peer | ratio | wall | speed | CPU of the clients | wanted |\n"
                  "| --- | --- | --- | --- | --- | --- | --- | --- |")
            print("\n".join(rows))
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()

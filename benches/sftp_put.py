#!/usr/bin/env python3
"""One big file over SFTP: Waybill beside OpenSSH's sshd, on the same machine, in turns.

For whom: whoever sends nightly batches, and whoever pays for the machine that takes them. What is compared is
the CPU the *server* spends on one put (its process and children, from /proc), and the wall time the client
sees. Waybill does more for it: it digests the file, syncs it and commits it before it answers CLOSE; sshd
writes into the page cache. The client is OpenSSH's `sftp` for both, with the same cipher.

    cargo build --release
    apt-get install openssh-server          # for sshd itself; it is started on loopback by this script
    python3 benches/sftp_put.py --waybill target/release/waybill [--mib 1024] [--rounds 5] [--folder /dev/shm]

Prints one line a run, then the medians and their ratio. Figures are kept in benches/README.md.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process and of its children that have ended, and of those that live."""
    total = 0
    for child in [pid] + living_children(pid):
        try:
            with open(f"/proc/{child}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += sum(int(ticks) for ticks in (fields[11:15] if child == pid else fields[11:13]))
    return total / TICKS


def living_children(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == pid:
                found += [int(name)] + living_children(int(name))
    return found


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


class Waybill:
    name = "waybill"

    def __init__(self, binary, folder, key):
        data = os.path.join(folder, "data")
        run(binary, "org", "create", "bench", "--kind", "supplier", "--data", data)
        run(binary, "account", "create", "bench", "--org", "bench", "--key", key + ".pub", "--data", data)
        log = open(os.path.join(folder, "waybill.log"), "w")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", data, "--sftp-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL, stderr=log)
        ready = os.path.join(data, "ready.json")
        while not os.path.exists(ready):
            time.sleep(0.02)
        with open(ready) as file:
            doors = json.load(file)["doors"]
        self.port = next(door["address"].rsplit(":", 1)[1] for door in doors if door["door"] == "sftp")
        self.user, self.target, self.binary, self.data = "bench", "/drop/", binary, data

    def settle(self):
        """Until what was put has been read, so that reading does not count as the next put."""
        while True:
            rows = run(self.binary, "file", "list", "--json", "--data", self.data).stdout.splitlines()
            if all(json.loads(row)["status"] not in ("stored", "parsing") for row in rows):
                return
            time.sleep(0.05)


class Sshd:
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
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as config:
            config.write(f"Port 0\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {authorized}\n"
                         "StrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n"
                         "PasswordAuthentication no\nLogLevel ERROR\nPermitRootLogin yes\n")
        # sshd does not take port 0: find a free one.
        import socket
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config.name, "-p", self.port])
        self.user = os.environ.get("USER") or "root"
        time.sleep(0.5)

    def settle(self):
        for name in os.listdir(self.target):
            os.unlink(os.path.join(self.target, name))


def put(server, cipher, key, source, number):
    before, started = cpu_seconds(server.process.pid), time.monotonic()
    run("sftp", "-q", "-b", "-", "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
        "-oLogLevel=ERROR", "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-i", key, "-c", cipher, "-P", server.port,
        f"{server.user}@127.0.0.1", input=f"put {source} {server.target}f{number}.bin\n")
    wall = time.monotonic() - started
    # sshd's children are counted once they have been waited for.
    time.sleep(0.3)
    cpu = cpu_seconds(server.process.pid) - before
    return wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waybill", required=True)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default="/dev/shm")
    options = parser.parse_args()
    if not os.path.exists("/usr/sbin/sshd"):
        sys.exit("there is no /usr/sbin/sshd to compare with: apt-get install openssh-server")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        key = os.path.join(folder, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        source = os.path.join(folder, "source.bin")
        with open(source, "wb") as file:
            for _ in range(options.mib):
                file.write(os.urandom(1 << 20))
        servers = [Waybill(os.path.abspath(options.waybill), folder, key), Sshd(folder, key)]
        try:
            for cipher in CIPHERS:
                seen = {server.name: [] for server in servers}
                for number in range(options.rounds):
                    for server in servers if number % 2 == 0 else reversed(servers):
                        # Other bytes each time: the same ones would be a duplicate.
                        with open(source, "r+b") as file:
                            file.write(os.urandom(64))
                        wall, cpu = put(server, cipher, key, source, f"{cipher[:6]}{number}")
                        server.settle()
                        seen[server.name].append((wall, cpu))
                        print(f"{cipher} {server.name:8} wall {wall:6.2f} s  server cpu {cpu:6.2f} s", flush=True)
                medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in seen.items()}
                (wall, cpu), (their_wall, their_cpu) = medians["waybill"], medians["sshd"]
                print(f"{cipher} median of {options.rounds}: cpu {cpu:.2f} / {their_cpu:.2f} s = "
                      f"{cpu / their_cpu:.2f}x of sshd, wall {wall:.2f} / {their_wall:.2f} s = {wall / their_wall:.2f}x")
        finally:
            for server in servers:
                server.process.send_signal(signal.SIGTERM)
                server.process.wait()


if __name__ == "__main__":
    main()

"""What every benchmark here needs: programs of the release build, servers whose CPU and memory are known, free ports."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

GROUPS = "/sys/fs/cgroup/cpuacct"


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def built(name, kind):
    """The path of a program of the release build, which is brought up to date."""
    told = run("cargo", "build", "--release", "--quiet", "--locked", kind, name, "--message-format", "json").stdout
    artifacts = (json.loads(line) for line in told.splitlines())
    return next(artifact["executable"] for artifact in artifacts
                if artifact.get("executable") and artifact["target"]["name"] == name)


def sftp(server, key, *options):
    """OpenSSH's `sftp`, which reads the lines of a batch from its input, as the user a server knows by this key."""
    return ["sftp", "-q", "-b", "-", "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
            "-oLogLevel=ERROR", "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-i", key, *options, "-P", server.port,
            f"{server.user}@127.0.0.1"]


class Server:
    """A server in a control group of its own, whose CPU time is that of all its processes, dead or alive."""

    def start(self, *command, log, environment=None):
        self.group = os.path.join(GROUPS, f"bench-{self.name}-{os.getpid()}-{id(self)}")
        os.mkdir(self.group)

        def join():
            with open(os.path.join(self.group, "cgroup.procs"), "w") as procs:
                procs.write(str(os.getpid()))

        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=join,
                                        env={**os.environ, **(environment or {})})

    def cpu(self):
        with open(os.path.join(self.group, "cpuacct.usage")) as usage:
            return int(usage.read()) / 1e9

    def pss(self):
        """Memory of all its processes in bytes, what they share counted once."""
        total = 0
        with open(os.path.join(self.group, "cgroup.procs")) as procs:
            for pid in procs.read().split():
                try:
                    with open(f"/proc/{pid}/smaps_rollup") as rollup:
                        total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        for _ in range(100):
            with open(os.path.join(self.group, "cgroup.procs")) as procs:
                left = procs.read().split()
            if not left:
                break
            for pid in left:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        os.rmdir(self.group)


class Waybill(Server):
    """The daemon with one supplier, `bench`, who has a key and a password."""

    name = "waybill"
    user, password, target = "bench", "a long password", "/drop/"

    def __init__(self, binary, folder, key, settings="", environment=None, kind="supplier"):
        self.binary, self.data, self.environment = binary, os.path.join(folder, "data"), environment or {}
        config = os.path.join(folder, "waybill.toml")
        with open(config, "w") as file:
            file.write(settings)
        self.ask("org", "create", "bench", "--kind", kind)
        self.ask("account", "create", "bench", "--org", "bench", "--key", key + ".pub", "--password-stdin",
                 input=self.password + "\n")
        log = os.path.join(folder, "waybill.log")
        self.start(binary, "serve", "--config", config, "--data", self.data, "--sftp-listen", "127.0.0.1:0",
                   "--ftps-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", log=open(log, "w"),
                   environment=self.environment)
        ready = os.path.join(self.data, "ready.json")
        while not os.path.exists(ready):
            if self.process.poll() is not None:
                sys.exit(f"waybill did not start: {open(log).read()}")
            time.sleep(0.02)
        with open(ready) as file:
            doors = {door["door"]: door["address"].rsplit(":", 1)[1] for door in json.load(file)["doors"]}
        self.port, self.ftps_port = doors["sftp"], doors["ftps"]
        self.login = f"{self.user}:{self.password}"

    def ask(self, *words, **more):
        """A command of the command line; what it printed."""
        return run(self.binary, *words, "--data", self.data, env={**os.environ, **self.environment}, **more).stdout

    def files(self, *filters):
        return [json.loads(row) for row in self.ask("file", "list", "--json", *filters).splitlines()]

    def settle(self):
        """Until what was put has been read, so that reading does not count as the next put."""
        while self.files("--status", "stored,parsing", "--limit", "1"):
            time.sleep(0.05)

    def peak(self):
        """The most memory it has held, in bytes, without the pages of its program."""
        with open(f"/proc/{self.process.pid}/status") as status:
            found = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmHWM", "RssFile"))}
        return (found["VmHWM"] - found["RssFile"]) * 1024

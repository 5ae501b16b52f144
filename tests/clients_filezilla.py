"""FileZilla's SFTP engine without its windows: `fzsftp`, as FileZilla runs it.

It reads commands and answers a line at a time on its standard input, and tells events on its standard output: a byte
that says which, from "0" on, and then none to three lines. File content goes neither way: the engine asks for pieces of
a memory that both have mapped, as FileZilla's windows share it with it.
"""

import base64
import hashlib
import hmac
import mmap
import os
import struct
import subprocess

REPLY, DONE, ERROR, VERBOSE, INFO, STATUS, RECV, SEND, LISTENTRY, ASK_HOSTKEY, ASK_HOSTKEY_CHANGED, ASK_BETTERALG, \
    ASK_PASSWORD, TRANSFER, PREAMBLE, INSTRUCTION, QUOTA_RECV, QUOTA_SEND = range(18)
IO_SIZE, IO_OPEN, IO_NEXTBUF, IO_FINALIZE = range(26, 30)
# How many lines follow; one where nothing stands here.
LINES = {QUOTA_RECV: 0, QUOTA_SEND: 0, IO_SIZE: 0, ASK_HOSTKEY: 2, ASK_HOSTKEY_CHANGED: 2, ASK_BETTERALG: 2, LISTENTRY: 3}
PIECE = 256 * 1024


class Refused(Exception):
    """What the engine, or the server through it, said no to."""


class FileZilla:
    def __init__(self, port, user, password="", key=None):
        memory = os.memfd_create("pieces")
        os.ftruncate(memory, PIECE)
        self.memory, self.shared = memory, mmap.mmap(memory, PIECE)
        self.engine = subprocess.Popen(
            [os.environ["FZSFTP"], "-v"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[memory], bufsize=0)
        self.out = os.fdopen(os.dup(self.engine.stdout.fileno()), "rb")
        self.password, self.asked, self.file, self.told = password, 0, None, []
        self.event()
        if key:
            self.ask(f'keyfile "{key}"')
        self.ask(f'open "{user}@127.0.0.1" {port}')

    def say(self, line):
        self.engine.stdin.write(line.encode() + b"\n")

    def event(self):
        kind = self.out.read(1)
        if not kind:
            raise Refused("the engine ended: " + " / ".join(self.told))
        kind = kind[0] - ord("0")
        lines = [self.out.readline().decode().rstrip("\r\n") for _ in range(LINES.get(kind, 1))]
        if kind not in (RECV, SEND, TRANSFER, LISTENTRY):
            self.told.append(f"{kind}: {' '.join(lines)}")
        return kind, lines

    def ask(self, command):
        """Says a command and does what the engine wants until it is done; replies and listed names."""
        self.say(command)
        replies, names, errors = [], [], []
        while True:
            kind, lines = self.event()
            if kind == REPLY:
                # The answer of those commands that have one; the others end with DONE.
                return lines[0], names
            if kind == DONE:
                if lines[0] == "1":
                    return replies, names
                raise Refused(" / ".join(errors) or "without a word")
            if kind in (ERROR, STATUS):
                errors.append(lines[0])
            elif kind == LISTENTRY:
                names.append(lines[2])
            elif kind == ASK_HOSTKEY:
                self.say("n")
            elif kind == ASK_PASSWORD:
                self.asked += 1
                if self.asked > 1:
                    self.engine.kill()
                    raise Refused("asked for the password again")
                self.say(self.password)
            elif kind in (QUOTA_RECV, QUOTA_SEND):
                self.say(f"-{kind - QUOTA_RECV}-")
            elif kind == IO_OPEN:
                self.open(int(lines[0]))
            elif kind == IO_NEXTBUF:
                self.next(int(lines[0]))
            elif kind == IO_SIZE:
                self.say(f"-{os.path.getsize(self.local)}")
            elif kind == IO_FINALIZE:
                self.file.write(self.shared[:int(lines[0])])
                self.file.close()
                self.say("-1")

    def open(self, offset):
        size = ""
        if not self.download:
            self.file = open(self.local, "rb")
            self.file.seek(offset)
        elif offset == 2**64 - 1:
            self.file = open(self.local, "ab")
            size = f" {self.file.tell()}"
        else:
            self.file = open(self.local, "wb")
        self.say(f"-{self.memory} {PIECE}{size}")

    def next(self, filled):
        if self.download:
            self.file.write(self.shared[:filled])
            self.say(f"-0 {PIECE}")
        else:
            piece = self.file.read(PIECE)
            self.shared[:len(piece)] = piece
            self.say(f"-0 {len(piece)}" if piece else "-")

    def put(self, local, remote, how="put"):
        self.local, self.download = local, False
        self.ask(f'{how} "{local}" "{remote}"')

    def get(self, remote, local, how="get"):
        self.local, self.download = local, True
        self.ask(f'{how} "{remote}" "{local}"')

    def names(self):
        return [name for name in self.ask("ls")[1] if name not in (".", "..")]

    def close(self):
        self.engine.stdin.close()
        self.engine.wait(20)


def refused(call, *arguments):
    try:
        call(*arguments)
    except Refused as error:
        return str(error)
    raise AssertionError(f"it was not refused: {arguments}")


def putty_key(openssh, path):
    """An Ed25519 key without a passphrase in PuTTY's format, version 2, which is what FileZilla makes of the others."""
    lines = open(openssh).read().split("-----")[2]
    blob = base64.b64decode(lines)
    where = blob.index(b"\0\0\0\x0bssh-ed25519\0\0\0\x20")
    public = blob[where:where + 51]
    where = blob.index(b"\0\0\0\x0bssh-ed25519\0\0\0\x20", where + 51)
    seed = blob[where + 55:where + 87]
    private = struct.pack(">I", 32) + seed
    comment, encryption = b"key", b"none"
    strings = [b"ssh-ed25519", encryption, comment, public, private]
    signed = b"".join(struct.pack(">I", len(part)) + part for part in strings)
    mac = hmac.new(hashlib.sha1(b"putty-private-key-file-mac-key").digest(), signed, "sha1").hexdigest()
    wrapped = [[text[at:at + 64] for at in range(0, len(text), 64)]
               for text in (base64.b64encode(public).decode(), base64.b64encode(private).decode())]
    with open(path, "w") as file:
        file.write("PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\nComment: key\n"
                   f"Public-Lines: {len(wrapped[0])}\n" + "\n".join(wrapped[0]) +
                   f"\nPrivate-Lines: {len(wrapped[1])}\n" + "\n".join(wrapped[1]) + f"\nPrivate-MAC: {mac}\n")
    return path

"""What an operator writes in ten minutes: SCAN, and for each thousand keys one transaction of DUMP, PTTL and UNLINK."""

import os
import socket
import sys
from urllib.parse import urlsplit

at = urlsplit(sys.argv[1])
line = socket.create_connection((at.hostname, at.port))
answers = line.makefile("rb", buffering=1 << 20)


def packed(*args):
    parts = [arg if isinstance(arg, bytes) else arg.encode() for arg in args]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def answer():
    kind = answers.readline()
    number = kind[1:-2]
    if kind[:1] == b"*":
        return [answer() for _ in range(int(number))]
    if kind[:1] == b"$":
        return answers.read(int(number) + 2)[:-2] if number != b"-1" else None
    if kind[:1] == b"-":
        raise SystemExit(kind.decode())
    return number


def ask(*args):
    line.sendall(packed(*args))
    return answer()


def keys():
    cursor = b"0"
    while True:
        cursor, found = ask("SCAN", cursor, "MATCH", "sess:*", "COUNT", "1000")
        yield found
        if cursor == b"0":
            return


if at.password:
    ask("AUTH", at.password)
ask("SELECT", at.path[1:])
before = sum(len(found) for found in keys())
gone = 0
with open(sys.argv[2], "wb") as backup:
    for found in keys():
        if not found:
            continue
        read = b"".join(packed("DUMP", key) + packed("PTTL", key) for key in found)
        line.sendall(packed("MULTI") + read + packed("UNLINK", *found) + packed("EXEC"))
        for _ in range(2 * len(found) + 2):
            answer()
        values = answer()
        for key, dump, ttl in zip(found, values[::2], values[1::2]):
            backup.write(packed("RESTORE", key, ttl, dump))
        gone += int(values[-1])
    backup.flush()
after = sum(len(found) for found in keys())
print(before, gone, after, file=sys.stderr)

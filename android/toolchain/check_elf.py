#!/usr/bin/env python3
"""Checks the core's library for phones, as it is loaded there: check_elf.py FILE ABI [--stubs FOLDER] [--calls FOLDER].

FOLDER of --stubs is that of the NDK with the libraries of the oldest Android: what FILE takes from outside has to be in
them. FOLDER of --calls has the sources of the bindings: what they call has to be in FILE. Says all that is wrong.
"""
import argparse
import pathlib
import re
import struct
import sys

# Per ABI: bits, and the number of the processor (ELF, e_machine).
ABIS = {"arm64-v8a": (64, 183), "armeabi-v7a": (32, 40), "x86_64": (64, 62)}
# What the NDK promises for each phone, and the core needs. Everything else would have to be packed with it.
LIBRARIES = {"libc.so", "libdl.so", "libm.so"}
PAGE = 0x4000
LOAD, DYNAMIC, STACK, RELRO = 1, 2, 0x6474E551, 0x6474E552
WRITES, RUNS = 2, 1
NEEDED, STRTAB, TEXTREL, BIND_NOW, FLAGS, FLAGS_1 = 1, 5, 22, 24, 30, 0x6FFFFFFB
TABLE_OF_SYMBOLS = 11


class Elf:
    """As much of a file as the checks read. A file that is cut short or is none ends in ValueError or struct.error."""

    def __init__(self, data):
        self.data = data
        if data[:4] != b"\x7fELF" or data[5] != 1:
            raise ValueError("it is no ELF file, or its bytes are the other way round")
        self.bits = {1: 32, 2: 64}.get(data[4], 0)
        wide = self.bits == 64
        head = struct.unpack_from("<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", data, 16)
        self.kind, self.machine = head[0], head[1]
        self.segments = [self.segment(head[4] + n * head[8]) for n in range(head[9])]
        self.sections = [self.section(head[5] + n * head[10]) for n in range(head[11])]
        self.dynamic = self.entries()
        self.strings = self.where(self.first(STRTAB, 0))

    def segment(self, at):
        if self.bits == 64:
            kind, flags, offset, address, _, size, _, align = struct.unpack_from("<IIQQQQQQ", self.data, at)
        else:
            kind, offset, address, _, size, _, flags, align = struct.unpack_from("<IIIIIIII", self.data, at)
        return {"kind": kind, "flags": flags, "offset": offset, "address": address, "size": size, "align": align}

    def section(self, at):
        fields = struct.unpack_from("<IIQQQQIIQQ" if self.bits == 64 else "<IIIIIIIIII", self.data, at)
        return {"kind": fields[1], "offset": fields[4], "size": fields[5]}

    def of_kind(self, kind):
        return [one for one in self.segments if one["kind"] == kind]

    def where(self, address):
        for one in self.of_kind(LOAD):
            if one["address"] <= address < one["address"] + one["size"]:
                return one["offset"] + address - one["address"]
        raise ValueError("its tables are not in what is loaded")

    def entries(self):
        found = []
        for one in self.of_kind(DYNAMIC):
            pair = struct.Struct("<qQ" if self.bits == 64 else "<iI")
            for tag, value in pair.iter_unpack(self.data[one["offset"]:one["offset"] + one["size"]]):
                if tag == 0:
                    break
                found.append((tag, value))
        return found

    def all(self, tag):
        return [value for known, value in self.dynamic if known == tag]

    def first(self, tag, otherwise=0):
        return next(iter(self.all(tag)), otherwise)

    def text(self, at):
        return self.data[self.strings + at:self.data.index(b"\0", self.strings + at)].decode()

    def symbols(self):
        """Names, and whether each is here, is taken from outside, or may be missing there."""
        entry = struct.Struct("<IBBHQQ" if self.bits == 64 else "<IIIBBH")
        for one in self.sections:
            if one["kind"] != TABLE_OF_SYMBOLS:
                continue
            for fields in entry.iter_unpack(self.data[one["offset"]:one["offset"] + one["size"]]):
                info, index = (fields[1], fields[3]) if self.bits == 64 else (fields[3], fields[5])
                if fields[0]:
                    yield self.text(fields[0]), index != 0, info >> 4 == 2


def wrong(elf, abi):
    """All that is wrong with a file by itself."""
    if (elf.bits, elf.machine) != ABIS[abi]:
        yield f"it is for another processor: {elf.bits} bits, number {elf.machine}"
    if elf.kind != 3:
        yield "it is no shared library"
    loads = elf.of_kind(LOAD)
    if not loads:
        yield "nothing of it is loaded"
    for one in loads:
        # A kernel with pages of 16 KB does not load what is aligned to 4 KB: "Support 16 KB page sizes" of Android's
        # guides for developers.
        if one["align"] % PAGE or not one["align"] or (one["address"] - one["offset"]) % PAGE:
            yield f"a segment is aligned to {one['align']:#x}, and not to pages of 16 KB"
        if one["flags"] & WRITES and one["flags"] & RUNS:
            yield "a segment can be both written and run"
    if not elf.of_kind(STACK) or any(one["flags"] & RUNS for one in elf.of_kind(STACK)):
        yield "its stack can be run"
    if not elf.of_kind(RELRO):
        yield "its tables stay writable (no RELRO)"
    if not (elf.all(BIND_NOW) or elf.first(FLAGS) & 8 or elf.first(FLAGS_1) & 1):
        yield "it is not bound at once (no BIND_NOW)"
    # Android has refused these since version 6.
    if elf.all(TEXTREL) or elf.first(FLAGS) & 4:
        yield "its code would be changed while it is loaded (text relocations)"
    for name in sorted({elf.text(at) for at in elf.all(NEEDED)} - LIBRARIES):
        yield f"it needs {name}, which is not on every phone"


def missing(elf, stubs, calls):
    """What it takes from outside and is not there, and what is called in it and is not in it."""
    symbols = list(elf.symbols())
    if not symbols:
        yield "it has no table of symbols"
    inside = {name for name, is_here, _ in symbols if is_here}
    if stubs:
        outside = {name for file in stubs.glob("lib*.so") if file.name in LIBRARIES
                   for name, is_here, _ in Elf(file.read_bytes()).symbols() if is_here}
        for name in sorted({name for name, is_here, is_weak in symbols if not is_here and not is_weak} - outside):
            yield f"it takes {name} from outside, which the oldest Android lacks"
    if calls:
        called = {name for file in calls.rglob("*.kt")
                  for name in re.findall(r"\bfun ((?:ffi|uniffi)_countersign_bindings_\w+)\(", file.read_text())}
        if not called:
            yield f"{calls} calls nothing of it"
        for name in sorted(called - inside):
            yield f"it lacks {name}, which the bindings call"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("abi", choices=sorted(ABIS))
    parser.add_argument("--stubs", type=pathlib.Path)
    parser.add_argument("--calls", type=pathlib.Path)
    given = parser.parse_args()
    try:
        elf = Elf(given.file.read_bytes())
        found = [*wrong(elf, given.abi), *missing(elf, given.stubs, given.calls)]
    except (ValueError, IndexError, struct.error) as fault:
        found = [f"it cannot be read: {fault}"]
    for one in found:
        print(f"{given.abi}: {one}")
    if found:
        sys.exit(1)
    print(f"{given.abi}: {given.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()

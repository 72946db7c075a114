"""Runs unleak and other scanners over a folder, and reads what each reports: file, lines, value."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PEERS = Path("/opt/peers/bin")
# How each tool reads the plain folder {folder}, values shown, at default settings, nothing sent anywhere.
COMMANDS = {
    "unleak": ["--quiet", "scan", "--no-git", "--format", "json", "--show-secrets", "--output", "{out}", "{folder}"],
    "gitleaks": [
        "dir",
        "--no-banner",
        "--log-level",
        "error",
        "--exit-code",
        "0",
        "--report-format",
        "json",
        "--report-path",
        "{out}",
        "{folder}",
    ],
    "betterleaks": [
        "--no-banner",
        "--log-level",
        "error",
        "--silent",
        "--exit-code",
        "0",
        "--output",
        "{out}",
        "{folder}",
    ],
    "kingfisher": [
        "--no-update-check",
        "scan",
        "--quiet",
        "--no-validate",
        "--format",
        "json",
        "--output",
        "{out}",
        "{folder}",
    ],
    "credsweeper": ["--path", "{folder}", "--save-json", "{out}"],
    "detect-secrets": ["-C", "{folder}", "scan", "--all-files", "."],
}
ALLOWED_EXITS = {0, 1, 3, 200, 205}


@dataclass
class Finding:
    """What a tool reported: lines of a file, and the value if it tells."""

    file: str
    first: int
    last: int
    value: str
    rule: str


def unleak(report):
    for finding in report["findings"]:
        value = finding["secret"].get("value") or ""
        for place in finding["occurrences"]:
            yield Finding(place["path"], place["line"], place.get("end_line") or place["line"], value, finding["rule"])


def gitleaks(report):
    for finding in report:
        yield Finding(finding["File"], finding["StartLine"], finding["EndLine"], finding["Secret"], finding["RuleID"])


def betterleaks(report):
    for finding in report["findings"]:
        place = finding["location"]
        yield Finding(
            place["path"], place["start_line"], place["end_line"], finding["match"]["value"], finding["rule_id"]
        )


def kingfisher(report):
    for entry in report["findings"]:
        finding = entry["finding"]
        last = finding["line"] + finding["snippet"].count("\n")
        yield Finding(finding["path"], finding["line"], last, finding["snippet"], entry["rule"]["id"])


def credsweeper(report):
    for finding in report:
        lines = finding["line_data_list"]
        numbers = [line["line_num"] for line in lines]
        value = "".join(line["value"] or "" for line in lines)
        yield Finding(lines[0]["path"], min(numbers), max(numbers), value, finding["rule"])


def detect_secrets(report):
    for file, findings in report["results"].items():
        for finding in findings:
            yield Finding(file, finding["line_number"], finding["line_number"], "", finding["type"])


READERS = {
    "unleak": unleak,
    "gitleaks": gitleaks,
    "betterleaks": betterleaks,
    "kingfisher": kingfisher,
    "credsweeper": credsweeper,
    "detect-secrets": detect_secrets,
}


def find(wanted, programs):
    """The programs to run, by name: those of `--tools`, or all that are found."""
    found = {}
    for name in wanted or COMMANDS:
        path = programs.get(name) or shutil.which(name) or (str(PEERS / name) if (PEERS / name).exists() else None)
        if name not in COMMANDS:
            sys.exit(f"{name} is not known here: {', '.join(COMMANDS)}")
        if path and os.access(path, os.X_OK):
            found[name] = str(Path(path).resolve())
        elif wanted or name == "unleak":
            sys.exit(
                f"{name} is not there ({path or 'not in PATH'}): build or install it, or name it by --program {name}=PATH"
            )
    return found


def run(name, program, folder, scratch):
    """All findings of one tool, their files relative to the folder, and the seconds it took."""
    out = Path(scratch) / f"{name}.json"
    command = [program, *(part.format(out=out, folder=folder) for part in COMMANDS[name])]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in ALLOWED_EXITS:
        sys.exit(f"{name} failed with exit code {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    text = out.read_text(errors="replace") if out.exists() else done.stdout.decode(errors="replace")
    findings = list(READERS[name](json.loads(text or "[]")))
    root = str(folder).rstrip("/") + "/"
    for finding in findings:
        finding.file = finding.file.removeprefix(root).removeprefix("./")
    return findings, seconds

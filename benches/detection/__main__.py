"""Measures what scanners find in documents, configuration and code, and what they flag without cause.

All text is generated at run time from a seed: `--count` secrets in some 300 forms, as many hard negatives, and whole
files as leaky repositories hold them. Every tool reads the same folder in its default settings. A secret counts as
found if a finding lies on its lines and shows its value (or at least half of it); in the leaky files the line counts.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the folder of the sources stays as it is

import corpus  # noqa: E402
import leaky  # noqa: E402
import score  # noqa: E402
import tables  # noqa: E402
import tools  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        prog="python3 benches/detection", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2500, help="secrets to plant, and hard negatives [default: 2500]")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes another set [default: 1]")
    parser.add_argument(
        "--tools", default="", metavar="NAME,…", help=f"of {', '.join(tools.COMMANDS)} [default: all found]"
    )
    parser.add_argument(
        "--program",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="where a tool is [unleak: target/release/unleak; others: PATH and /opt/peers/bin]",
    )
    parser.add_argument(
        "--groups",
        default=",".join(corpus.credentials.GROUPS),
        metavar="GROUP,…",
        help="which credentials to plant [default: %(default)s]",
    )
    parser.add_argument("--unchecked", action="store_true", help="tokens with check digits carry wrong ones")
    parser.add_argument("--show", choices=["missed", "false"], help="list what unleak misses or flags without cause")
    parser.add_argument(
        "--form", metavar="TEXT", default="", help="with --show: only forms or classes whose name holds this text"
    )
    parser.add_argument("--rows", type=int, default=40, help="rows of the tables of forms and kinds [default: 40]")
    parser.add_argument(
        "--keep", metavar="FOLDER", help="write the documents (and labels.json beside them) here, and keep them"
    )
    return parser.parse_args()


def measure(made, folder, chosen, scratch, lines_only):
    """What each tool did with a set of files: (results by tool, seconds by tool)."""
    if folder.exists():
        sys.exit(f"{folder} exists already: name another folder, what lies there would be measured too")
    made.write(folder)
    results, seconds = {}, {}
    for name, program in chosen.items():
        found, seconds[name] = tools.run(name, program, folder, scratch)
        results[name] = score.Result(made.labels, found, lines_only)
        print(f"  {folder.name}: {name} {len(found)} findings in {seconds[name]:.1f} s", file=sys.stderr)
    return results, seconds


def main():
    options = arguments()
    programs = {"unleak": "target/release/unleak"} | dict(part.split("=", 1) for part in options.program)
    chosen = tools.find([name for name in options.tools.split(",") if name], programs)
    wanted = options.groups.split(",")
    documents = corpus.generate(random.Random(options.seed), options.count, wanted, options.unchecked)
    files = leaky.generate(random.Random(options.seed))
    with tempfile.TemporaryDirectory(prefix="unleak-detection-") as scratch:
        kept = Path(options.keep or scratch).resolve()
        results, seconds = measure(documents, kept / "documents", chosen, scratch, lines_only=False)
        leaks, more = measure(files, kept / "leaky", chosen, scratch, lines_only=True)
        for folder, made in (("documents", documents), ("leaky", files)):
            labels = [vars(label) for label in made.labels]
            (kept / f"{folder}.json").write_text(json.dumps(labels, indent=1, ensure_ascii=False) + "\n")
    planted = sum(label.planted for label in documents.labels)
    print(
        f"seed {options.seed}: {planted} secrets and {len(documents.labels) - planted} hard negatives in"
        f" {len(documents.files)} documents and files; {len(files.labels)} lines at risk in {len(files.files)} leaky"
        f" files; {os.cpu_count()} cores\n"
    )
    spent = ["seconds", *(f"{seconds[name] + more[name]:.1f}" for name in chosen)]
    tables.table(["", *chosen], [*tables.summary(documents, results), *tables.leaky_rows(files, leaks), spent])
    tables.detail("form, secrets found", "form", True, documents, results, options.rows)
    tables.detail("kind, secrets found", "kind", True, documents, results, options.rows)
    tables.detail("class of hard negatives, flagged", "form", False, documents, results, options.rows)
    listing = {"missed": tables.missed, "false": tables.flagged}.get(options.show)
    if listing and "unleak" in chosen:
        listing(documents, results["unleak"], options.form)
        listing(files, leaks["unleak"], options.form)


if __name__ == "__main__":
    main()

"""Measures what scanners find in documents, configuration and code, and what they flag without cause.

All text is generated at run time from a seed: `--count` secrets in some 240 forms, as many hard negatives, and whole
files as leaky repositories hold them. Every tool reads the same folder in its default settings. A secret counts as
found if a finding lies on its lines and shows its value (or at least half of it); in the leaky files the line counts.
"""

import argparse
import collections
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
    parser.add_argument("--unchecked", action="store_true", help="tokens with check digits carry wrong ones")
    parser.add_argument("--show", choices=["missed", "false"], help="list what unleak misses or flags without cause")
    parser.add_argument("--form", metavar="TEXT", help="with --show: only forms or classes whose name holds this text")
    parser.add_argument("--rows", type=int, default=40, help="rows of the tables of forms and kinds [default: 40]")
    parser.add_argument(
        "--keep", metavar="FOLDER", help="write the documents (and labels.json beside them) here, and keep them"
    )
    return parser.parse_args()


def main():
    options = arguments()
    programs = {"unleak": "target/release/unleak"} | dict(part.split("=", 1) for part in options.program)
    chosen = tools.find([name for name in options.tools.split(",") if name], programs)
    documents = corpus.generate(random.Random(options.seed), options.count, options.unchecked)
    files = leaky.generate(random.Random(options.seed))
    with tempfile.TemporaryDirectory(prefix="unleak-detection-") as scratch:
        kept = Path(options.keep).resolve() if options.keep else Path(scratch) / "sets"
        results, seconds = {}, collections.Counter()
        for folder, made in (("documents", documents), ("leaky", files)):
            made.write(kept / folder)
            for name, program in chosen.items():
                found, spent = tools.run(name, program, kept / folder, scratch)
                seconds[name] += spent
                results[folder, name] = score.Result(made.labels, found, lines_only=folder == "leaky")
                print(f"  {folder}: {name} {len(found)} findings in {spent:.1f} s", file=sys.stderr)
        if options.keep:
            for folder, made in (("documents", documents), ("leaky", files)):
                (kept / f"{folder}.json").write_text(
                    json.dumps([vars(label) for label in made.labels], indent=1, ensure_ascii=False)
                )
    print_tables(options, list(chosen), documents, files, results, seconds)
    if options.show and "unleak" in chosen:
        for folder, made in (("documents", documents), ("leaky", files)):
            listing(made, results[folder, "unleak"], options)


def percent(pair):
    hits, size = pair
    return f"{100 * hits / size:.1f} %" if size else "-"


def print_table(head, rows):
    print("| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_tables(options, names, documents, files, results, seconds):
    labels = documents.labels
    secrets, negatives = sum(label.planted for label in labels), sum(not label.planted for label in labels)
    print(
        f"seed {options.seed}: {secrets} secrets and {negatives} hard negatives in {len(documents.files)} documents and files; "
        f"{len(files.labels)} lines at risk in {len(files.files)} leaky files; {os.cpu_count()} cores\n"
    )

    def row(title, keep, folder="documents", made=labels):
        return [title, *(percent(score.share(made, results[folder, name].hit, keep)) for name in names)]

    rows = [row("**secrets found**", lambda label: label.planted)]
    for group in corpus.credentials.GROUPS:
        rows.append(row(f"found: {group}", lambda label, group=group: label.planted and label.group == group))
    for family in corpus.FAMILIES:
        rows.append(
            row(
                f"found: in {family}",
                lambda label, family=family: label.planted and corpus.FAMILY[label.form] == family,
            )
        )
    rows.append(row("**hard negatives flagged**", lambda label: not label.planted))
    for group in ("in place", "harmless name", "own shape"):
        rows.append(row(f"flagged: {group}", lambda label, group=group: not label.planted and label.group == group))
    rows.append(
        [
            "**precision** (findings)",
            *(
                percent(
                    (
                        results["documents", name].true,
                        results["documents", name].true + len(results["documents", name].false),
                    )
                )
                for name in names
            ),
        ]
    )
    rows.append(row("**lines at risk found**", lambda label: label.planted, "leaky", files.labels))
    rows.append(["findings elsewhere in those files", *(str(len(results["leaky", name].false)) for name in names)])
    rows.append(["seconds", *(f"{seconds[name]:.1f}" for name in names)])
    print_table(["", *names], rows)
    for title, attribute, planted in (
        ("form, secrets found", "form", True),
        ("kind, secrets found", "kind", True),
        ("class of hard negatives, flagged", "form", False),
    ):
        grouped = collections.defaultdict(list)
        for index, label in enumerate(labels):
            if label.planted is planted:
                grouped[getattr(label, attribute)].append(index)

        def cell(name, indices):
            return percent((sum(results["documents", name].hit[i] for i in indices), len(indices)))

        def worst(item):
            hit = sum(results["documents", names[0]].hit[i] for i in item[1]) / len(item[1])
            return (hit if planted else -hit, item[0])

        chosen = sorted(grouped.items(), key=worst)[: options.rows]
        print_table(
            [f"{title} (worst of {names[0]} first)", "number", *names],
            [[key, str(len(indices)), *(cell(name, indices) for name in names)] for key, indices in chosen],
        )


def listing(made, result, options):
    """Every secret that was missed, or every finding that has no secret, with its lines."""
    wanted = options.form or ""
    if options.show == "missed":
        for label, hit in zip(made.labels, result.hit):
            if label.planted and not hit and wanted in f"{label.form} {label.kind}":
                print(f"{label.file}:{label.first} [{label.form}; {label.kind}] value {label.values[0][:60]!r}")
                print("    " + "\n    ".join(label.shown.split("\n")[:6]))
        return
    flagged = [
        (label, finding)
        for finding in result.false
        for label in [next((label for label in made.labels if not label.planted and score.meets(finding, label)), None)]
    ]
    for label, finding in flagged:
        form = f"{label.form}; {label.kind}" if label else "between the snippets"
        if wanted in form:
            text = label.shown if label and label.shown else made.files[finding.file].decode(errors="replace")
            line = text.split("\n") if label else text.split("\n")[finding.first - 1 : finding.last]
            print(
                f"{finding.file}:{finding.first} [{form}] {finding.rule} {finding.value[:60]!r}\n    "
                + "\n    ".join(line[:4])
            )


if __name__ == "__main__":
    main()

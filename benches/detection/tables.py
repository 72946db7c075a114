"""The tables of a run, and the listings of what unleak misses and of what it flags without cause."""

import collections

import corpus
import score

NEGATIVES = ("in place", "harmless name", "own shape", "whole files")


def percent(hits, size):
    return f"{100 * hits / size:.1f} %" if size else "-"


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def shares(title, made, results, keep):
    """A row: of the labels that `keep` takes, how many each tool hit."""
    chosen = [index for index, label in enumerate(made.labels) if keep(label)]
    return [title, *(percent(sum(result.hit[index] for index in chosen), len(chosen)) for result in results.values())]


def summary(made, results):
    rows = [shares("**secrets found**", made, results, lambda label: label.planted)]
    for group in corpus.credentials.GROUPS:
        rows.append(shares(f"found: {group}", made, results, lambda label: label.planted and label.group == group))
    for family in corpus.FAMILIES:
        rows.append(
            shares(f"found: in {family}", made, results, lambda label: label.planted and label.family == family)
        )
    rows.append(shares("**hard negatives flagged**", made, results, lambda label: not label.planted))
    for group in NEGATIVES:
        rows.append(
            shares(f"flagged: {group}", made, results, lambda label: not label.planted and label.group == group)
        )
    precision = (percent(result.true, result.true + len(result.false)) for result in results.values())
    return [*rows, ["**precision** (findings)", *precision]]


def leaky_rows(made, results):
    elsewhere = (str(len(result.false)) for result in results.values())
    return [
        shares("**lines at risk found**", made, results, lambda label: True),
        ["findings elsewhere in those files", *elsewhere],
    ]


def detail(title, attribute, planted, made, results, rows):
    """Every form, kind or class in a row, the worst of the first tool first."""
    first, *_ = results.values()
    grouped = collections.defaultdict(list)
    for index, label in enumerate(made.labels):
        if label.planted is planted:
            grouped[getattr(label, attribute)].append(index)

    def worst(item):
        share = sum(first.hit[index] for index in item[1]) / len(item[1])
        return (share if planted else -share, item[0])

    body = []
    for key, indices in sorted(grouped.items(), key=worst)[:rows]:
        cells = (percent(sum(result.hit[index] for index in indices), len(indices)) for result in results.values())
        body.append([key, str(len(indices)), *cells])
    table([f"{title} (worst of {next(iter(results))} first)", "number", *results], body)


def missed(made, result, wanted):
    for label, hit in zip(made.labels, result.hit):
        if label.planted and not hit and wanted in f"{label.form} {label.kind}":
            print(f"{label.file}:{label.first} [{label.form}; {label.kind}] value {label.values[0][:60]!r}")
            print("    " + "\n    ".join(label.shown.split("\n")[:6]))


def flagged(made, result, wanted):
    for finding in result.false:
        near = [label for label in made.labels if not label.planted and score.meets(finding, label)]
        what = f"{near[0].form}; {near[0].kind}" if near else "between the snippets"
        if wanted not in what:
            continue
        lines = made.files[finding.file].decode(errors="replace").split("\n")[finding.first - 1 : finding.last]
        print(f"{finding.file}:{finding.first} [{what}] {finding.rule} {finding.value[:60]!r}")
        print("    " + "\n    ".join((near[0].shown.split("\n") if near else lines)[:4]))

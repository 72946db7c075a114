"""Compares findings with labels: a finding counts if it lies on the lines of a secret and shows it."""

import re
from collections import defaultdict


def squeeze(text):
    """Letters and digits only: quotes, escapes and line breaks do not decide whether a value was shown."""
    return re.sub(r"[\W_]", "", text)


def shows(finding, label):
    """Whether a finding's value holds that of the label, or is at least half of it; of a URL any part will do."""
    if not finding.value:
        return True  # a tool that tells lines only
    found = squeeze(finding.value)
    for value in label.values:
        wanted = squeeze(value)
        enough = 4 if label.kind.endswith(("-webhook", "-sas")) else len(wanted) / 2
        if wanted in found or (found in wanted and len(found) >= enough):
            return True
    return False


class Result:
    """What one tool did with a corpus."""

    def __init__(self, labels, findings, lines_only=False):
        self.by_file = defaultdict(list)
        for finding in findings:
            self.by_file[finding.file].append(finding)
        self.hit = [self.touched(label, lines_only) for label in labels]
        planted = defaultdict(list)
        for label in labels:
            if label.planted:
                planted[label.file].append(label)
        self.false = [f for f in findings if not any(beside(f, label) for label in planted[f.file])]
        self.true = len(findings) - len(self.false)

    def touched(self, label, lines_only):
        near = [finding for finding in self.by_file[label.file] if meets(finding, label)]
        return any(lines_only or not label.planted or shows(finding, label) for finding in near)


def meets(finding, label):
    return finding.file == label.file and finding.first <= label.last and finding.last >= label.first


def beside(finding, label):
    """Whether a finding lies in the snippet of a secret: the key's id, the second key of a pair."""
    first, last = label.around or (label.first, label.last)
    return meets(finding, label) or (finding.first <= last and finding.last >= first)

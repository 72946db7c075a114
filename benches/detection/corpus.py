"""Puts secrets and hard negatives into documents and files, writes them, and knows where each of them ended up."""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field

import credentials
import forms_cloud
import forms_code
import forms_config
import forms_docs
import forms_encoded
import forms_logs
import forms_markup
import forms_office
import forms_provider
import forms_shell
import harmless
import innocent_code
import innocent_files
import innocent_near
import innocent_values
import innocent_words
import keys
import office
import placeholders
import template
import values
import words
from template import CLOSE, MIDDLE, OPEN

FAMILIES = {
    "configuration": forms_config.FORMS,
    "code": forms_code.FORMS,
    "command lines": forms_shell.FORMS,
    "logs and listings": forms_logs.FORMS,
    "documents": forms_docs.FORMS,
    "markup and tables": forms_markup.FORMS,
    "encodings and pieces": forms_encoded.FORMS,
    "forms of one provider": [*forms_cloud.FORMS, *forms_provider.FORMS],
    "office and PDF": forms_office.FORMS,
}
FORMS = [form for forms in FAMILIES.values() for form in forms]
FAMILY = {form.name: family for family, forms in FAMILIES.items() for form in forms}
INNOCENT = (innocent_values, innocent_words, innocent_code, innocent_near)
HARMLESS = [form for module in INNOCENT for form in module.FORMS] + forms_office.HARMLESS
BY_NAME = {form.name: form for form in FORMS}
GROUPS_OF = {"T": ["provider", "random"], "P": ["password", "human"], "S": ["human"], "M": ["pem"]}
SPACED = "passphrase-spaces"
SNIPPET = 10**6  # added to the number of a label: the mark of the snippet around the secret
NEUTRAL = [
    (BY_NAME[name], text) for name in placeholders.SIMPLE for text in BY_NAME[name].templates if harmless.fits(text)
]
COMMENTS = {
    "python": "# {}",
    "yaml": "# {}",
    "bash": "# {}",
    "env": "# {}",
    "toml": "# {}",
    "javascript": "// {}",
    "typescript": "// {}",
    "go": "// {}",
    "java": "// {}",
    "sql": "-- {}",
}


@dataclass
class Label:
    """A place that a tool should report (a secret), or should not (a hard negative)."""

    planted: bool
    form: str  # of a negative: its class
    kind: str
    group: str
    values: list
    file: str = ""
    first: int = 0
    last: int = 0
    shown: str = ""
    around: tuple = ()  # the lines of the whole snippet: what else is reported there is neither right nor wrong

    @property
    def family(self):
        return FAMILY.get(self.form, "")


@dataclass
class Corpus:
    rng: object
    labels: list = field(default_factory=list)
    files: dict = field(default_factory=dict)

    def label(self, **fields):
        self.labels.append(Label(**fields))
        return len(self.labels) - 1

    def add(self, file, text):
        """Takes a finished text: the marks become labels, the rest the file."""
        number = 2
        stem, dot, extension = file.rpartition(".")
        while file in self.files:
            file, number = (
                f"{stem}-{number}{dot}{extension}" if stem.rpartition("/")[2] else f"{number}/{stem}{dot}{extension}"
            ), number + 1
        plain, line, seen = [], 1, defaultdict(list)
        open_marks = []
        for part in re.split(f"({OPEN}\\d+{MIDDLE}|{CLOSE})", text):
            if part.startswith(OPEN):
                open_marks.append((int(part[1:-1]), line, len(plain)))
            elif part == CLOSE:
                number, first, start = open_marks.pop()
                seen[number].append((first, line, "".join(plain[start:])))
            else:
                plain.append(part)
                line += part.count("\n")
        text = "".join(plain)
        lines = text.split("\n")
        for number, places in sorted(seen.items()):
            label = self.labels[number % SNIPPET]
            if number >= SNIPPET:
                label.around = places[0][:2]
                continue
            label.file = file
            label.first, label.last = min(place[0] for place in places), max(place[1] for place in places)
            label.values.append("".join(place[2] for place in places))
            label.shown = "\n".join(lines[label.first - 1 : label.last])
        self.files[file] = (
            text.encode("utf-16")
            if ".utf16." in file
            else text.encode("latin-1", "replace") if ".latin1." in file else text.encode()
        )

    def write(self, folder):
        for file, content in self.files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def kinds_of(form, wanted):
    """The kinds that a form takes, by their groups."""
    if form.accepts.startswith("kind:"):
        named = form.accepts[5:].split(",")
        groups = {group: [kind for kind in kinds if kind in named] for group, kinds in credentials.GROUPS.items()}
    else:
        groups = {group: credentials.GROUPS[group] for letter in form.accepts for group in GROUPS_OF[letter]}
        if "S" not in form.accepts and "human" in groups:
            groups["human"] = [kind for kind in groups["human"] if kind != SPACED]
    return {group: kinds for group, kinds in groups.items() if kinds and group in wanted}


def kind_for(rng, form, wanted):
    """A kind that fits a form, the groups by their weights; people's own passwords outnumber passphrases."""
    groups = kinds_of(form, wanted)
    group = rng.choices(list(groups), [credentials.WEIGHTS[group] for group in groups])[0]
    return rng.choice(groups[group] + ["human"] * (5 if group == "human" else 0))


def planted(corpus, count, wanted, unchecked):
    """`count` snippets with a secret each: all forms in turn."""
    rng, order = corpus.rng, []
    forms = [form for form in FORMS if kinds_of(form, wanted)]
    while len(order) < count:
        order += rng.sample(forms, len(forms))
    for form in order[:count]:
        credential = credentials.make(kind_for(rng, form, wanted), rng)
        if unchecked and credential.kind in ("github-classic", "github-app", "npm", "grafana-service"):
            credential.value = credential.value[:-6] + values.text(rng, 6, values.ALPHABETS["h"])
        number = corpus.label(
            planted=True, form=form.name, kind=credential.kind, group=credential.group, values=[credential.value]
        )
        yield form, template.mark(SNIPPET + number, template.expand(rng, form, credential, number))


def hard_negatives(corpus, count):
    """A third are placeholders, a third random values under harmless names, a third texts of their own."""
    rng, names = corpus.rng, list(placeholders.VALUES)
    for index in range(count):
        around = credentials.make(rng.choice(credentials.PASSWORDS + ["alnum-32"]), rng)
        if index % 3 == 1:
            name = rng.choices(names, [8, 3, 7, 1, 3])[0]
            form = BY_NAME[rng.choice(placeholders.CODE_LIKE if name.startswith("code") else placeholders.SIMPLE)]
            around.value = fitting(rng, form, placeholders.choices(name))
            number = corpus.label(planted=False, form=name, kind=form.name, group="in place", values=[])
            # In a URL a placeholder stands as it is written, not percent-encoded.
            shape = rng.choice(form.templates).replace("«percent»", "«v»")
            yield form, template.apply(rng, shape, around, number)
            continue
        if index % 3 == 2:
            form, shape = rng.choice(NEUTRAL)
            around.name, value = harmless.choose(rng)
            around.noun, around.value = credentials.called(around.name), values.fill(rng, value)
            number = corpus.label(
                planted=False, form=f"named {value}", kind=form.name, group="harmless name", values=[]
            )
            yield form, template.apply(rng, shape, around, number)
            continue
        form = HARMLESS[index // 3 % len(HARMLESS)]
        number = corpus.label(planted=False, form=form.name, kind=form.name, group="own shape", values=[])
        text = values.fill(rng, rng.choice(form.templates))
        text = text.replace("«certificate»", keys.certificate(rng)).replace("«public»", keys.public(rng))
        yield form, template.mark(number, template.apply(rng, text, around, number))


def fitting(rng, form, choices):
    """A value that somebody would write there: no spaces and slashes in a URL, YAML's tags in YAML only."""
    in_url = "«percent»" in "".join(form.templates)
    while True:
        value = rng.choice(choices)
        if (not in_url or not set(value) & set(" /@?#")) and (not value.startswith("!") or form.language == "yaml"):
            return value


def generate(rng, count, wanted, unchecked):
    """The sets of documents: `count` secrets of the wanted groups, and as many hard negatives."""
    corpus = Corpus(rng)
    snippets = [*planted(corpus, count, wanted, unchecked), *hard_negatives(corpus, count)]
    rng.shuffle(snippets)
    shelves = defaultdict(list)
    for form, text in snippets:
        place = form.place
        if place == "code":
            place = rng.choices(["md", "own", "rst", "adoc"], [66, 26, 4, 4])[0]
        elif place == "prose":
            place = "md"
        if place in ("own", "file"):
            own_file(corpus, form, text)
        elif place in office.WRITERS:
            office_file(corpus, place, text)
        else:
            shelves[place].append((form, text))
    for name in innocent_files.FILES:
        for _ in range(count // 1000):
            innocent_file(corpus, name)
    for place, shelf in shelves.items():
        while shelf:
            size = rng.randint(4, 9)
            compose(corpus, place, shelf[:size])
            del shelf[:size]
    return corpus


def own_file(corpus, form, text):
    rng = corpus.rng
    comment = COMMENTS.get(form.language)
    if comment and rng.random() < 0.6:
        text = comment.format(words.fill(rng, rng.choice(words.SENTENCES[:9]))) + "\n" + text
    corpus.add(f"{rng.choice(words.SERVICES)}/{form.file}", text.rstrip("\n") + "\n")


def innocent_file(corpus, name):
    number = corpus.label(planted=False, form=name, kind="file", group="whole files", values=[])
    text = innocent_files.build(corpus.rng, name)
    corpus.add(f"{corpus.rng.choice(words.SERVICES)}/{name}", template.mark(number, text))


def office_file(corpus, place, text):
    """An office document with one snippet. What its lines are is up to whoever reads it: any line will do."""
    rng = corpus.rng
    number = int(re.search(f"{OPEN}(\\d+){MIDDLE}", text).group(1)) % SNIPPET
    plain = re.sub(f"{OPEN}\\d+{MIDDLE}|{CLOSE}", "", text)
    lines = [rng.choice(words.TITLES), paragraph(rng), *plain.split("\n"), paragraph(rng)]
    file = f"office/{rng.choice(words.SERVICES)}-{number}.{office.EXTENSIONS.get(place, place)}"
    label = corpus.labels[number]
    label.file, label.first, label.last, label.shown = file, 1, sys.maxsize, plain
    corpus.files[file] = office.WRITERS[place](rng, lines)


WRITERS = {
    "md": {"title": "# {}", "heading": "## {}", "fence": "```{0}\n{1}\n```", "bullet": "- {}"},
    "rst": {
        "title": "{}\n==========================",
        "heading": "{}\n--------------------------",
        "fence": ".. code-block:: {0}\n\n   {1}",
        "bullet": "* {}",
    },
    "adoc": {"title": "= {}", "heading": "== {}", "fence": "[source,{0}]\n----\n{1}\n----", "bullet": "* {}"},
    "html": {
        "title": "<h1>{}</h1>",
        "heading": "<h2>{}</h2>",
        "fence": "<pre>{1}</pre>",
        "bullet": "<ul><li>{}</li></ul>",
    },
}


def compose(corpus, place, snippets):
    """One document: a title, and around every snippet what such documents say otherwise."""
    rng, style = corpus.rng, WRITERS[place]
    title = rng.choice(words.TITLES)
    parts = [style["title"].format(title), paragraph(rng)]
    for form, text in snippets:
        for _ in range(rng.randint(0, 2)):
            parts.append(filler(rng, style))
        if rng.random() < 0.6:
            parts.append(style["heading"].format(rng.choice(words.HEADINGS)))
        parts.append(block(rng, place, style, form, text))
    parts.append(paragraph(rng))
    text = "\n\n".join(parts) + "\n"
    if place == "html":
        text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>\n{text}</body>\n</html>\n"
    extension = "txt" if place == "md" and rng.random() < 0.2 else place
    corpus.add(f"docs/{title.lower().replace(' ', '-').replace(':', '')}.{extension}", text)


def block(rng, place, style, form, text):
    """A snippet as a document of this kind shows it: code fenced, indented or in a quotation."""
    if form.place in ("prose", place) and form.place != "code":
        return text
    if place == "rst":
        return style["fence"].format(form.language or "text", text.replace("\n", "\n   "))
    chosen = rng.random()
    if place == "md" and chosen < 0.08:
        return "    " + text.replace("\n", "\n    ")
    fenced = style["fence"].format(form.language, text.rstrip("\n"))
    if place == "md" and chosen < 0.13:
        return "> " + fenced.replace("\n", "\n> ")
    if place == "md" and chosen < 0.2:
        return "1. Do this:\n\n   " + fenced.replace("\n", "\n   ")
    return fenced


def paragraph(rng):
    return " ".join(words.fill(rng, sentence) for sentence in rng.sample(words.SENTENCES, rng.randint(1, 3)))


def filler(rng, style):
    chosen = rng.random()
    if chosen < 0.4:
        return paragraph(rng)
    if chosen < 0.75:
        return "\n".join(
            style["bullet"].format(words.fill(rng, bullet)) for bullet in rng.sample(words.BULLETS, rng.randint(2, 4))
        )
    language, text = rng.choice(words.FENCES)
    text = words.fill(rng, text)
    return style["fence"].format(language, text.replace("\n", "\n   ") if style is WRITERS["rst"] else text)

"""Office documents and PDF around lines of text: a tab parts the cells of a table, `runs` splits words as editors do."""

import io
import zipfile
import zlib
from html import escape

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def pack(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def pieces(rng, text, split):
    """The runs that an editor makes of a line: one, or several after spelling marks and changes."""
    if not split or len(text) < 6:
        return [text]
    cuts = sorted(rng.sample(range(1, len(text)), min(3, len(text) // 3)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]


def word_paragraph(rng, text, split):
    runs = (f'<w:r><w:t xml:space="preserve">{escape(piece)}</w:t></w:r>' for piece in pieces(rng, text, split))
    return "<w:p>" + "".join(runs) + "</w:p>"


def docx(rng, lines, split=False):
    body, table = [], []
    for line in [*lines, ""]:
        if "\t" in line:
            cells = (f"<w:tc>{word_paragraph(rng, cell, split)}</w:tc>" for cell in line.split("\t"))
            table.append("<w:tr>" + "".join(cells) + "</w:tr>")
            continue
        if table:
            body.append("<w:tbl>" + "".join(table) + "</w:tbl>")
            table = []
        body.append(word_paragraph(rng, line, split))
    text = f'{HEAD}<w:document xmlns:w="{WORD}"><w:body>{"".join(body)}</w:body></w:document>'
    return pack({"[Content_Types].xml": TYPES, "word/document.xml": text})


def runs(rng, lines):
    return docx(rng, lines, split=True)


def xlsx(_, lines):
    strings, rows = [], []
    for number, line in enumerate(lines, 1):
        cells = []
        for column, cell in enumerate(line.split("\t")):
            cells.append(f'<c r="{chr(65 + column)}{number}" t="s"><v>{len(strings)}</v></c>')
            strings.append(f"<si><t>{escape(cell)}</t></si>")
        rows.append(f'<row r="{number}">{"".join(cells)}</row>')
    sheet = f'{HEAD}<worksheet xmlns="{SHEET}"><sheetData>{"".join(rows)}</sheetData></worksheet>'
    shared = f'{HEAD}<sst xmlns="{SHEET}">{"".join(strings)}</sst>'
    return pack({"[Content_Types].xml": TYPES, "xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": shared})


def pptx(_, lines):
    text = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in lines)
    slide = f'{HEAD}<p:sld xmlns:p="{SLIDE}" xmlns:a="{DRAWING}"><p:txBody>{text}</p:txBody></p:sld>'
    return pack({"[Content_Types].xml": TYPES, "ppt/slides/slide1.xml": slide})


def odt(_, lines):
    body = []
    for line in lines:
        cells = line.split("\t")
        if len(cells) > 1:
            row = "".join(f"<table:table-cell><text:p>{escape(cell)}</text:p></table:table-cell>" for cell in cells)
            body.append(f"<table:table><table:table-row>{row}</table:table-row></table:table>")
        else:
            body.append(f"<text:p>{escape(line)}</text:p>")
    text = (
        f'{HEAD}<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
        f'<office:body><office:text>{"".join(body)}</office:text></office:body></office:document-content>'
    )
    return pack({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": text})


def pdf(_, lines):
    """One page in Helvetica, its text stream compressed as every writer does."""
    shown = []
    for line in lines:
        safe = line.replace("\t", "    ").encode("latin-1", "replace").decode("latin-1")
        safe = safe.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        shown.append(f"({safe}) Tj T*")
    stream = zlib.compress(("BT /F1 11 Tf 14 TL 50 780 Td\n" + "\n".join(shown) + "\nET").encode("latin-1"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(out),
    )


WRITERS = {"docx": docx, "runs": runs, "xlsx": xlsx, "pptx": pptx, "odt": odt, "pdf": pdf}
EXTENSIONS = {"runs": "docx"}

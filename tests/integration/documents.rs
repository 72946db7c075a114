//! Secrets in office documents and PDF: found in the text as a person reads it, at the place where a person finds it.

use crate::repo::{Ran, Repo};
use crate::tokens::github;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use zip::write::{SimpleFileOptions, ZipWriter};

const JSON: [&str; 3] = ["--format", "json", "--show-secrets"];

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A password that nothing but its name shows to be one; another number gives another.
fn password(number: u64) -> String {
    let token = github(number);
    format!("{}#{}", &token[8..16], &token[20..24])
}

/// A paragraph whose words an editor split.
fn split(text: &str) -> String {
    let runs = text.as_bytes().chunks(5).fold(String::new(), |mut runs, piece| {
        let piece = String::from_utf8_lossy(piece).replace('&', "&amp;").replace('<', "&lt;");
        write!(runs, "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">{piece}</w:t></w:r>").unwrap();
        runs
    });
    format!("<w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>{runs}</w:p>")
}

fn docx(body: &str) -> Vec<u8> {
    zip(&[("word/document.xml", &format!("<w:document><w:body>{body}</w:body></w:document>"))])
}

/// A PDF of these objects, numbered from 1; the first is its catalogue.
fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    for (number, object) in objects.iter().enumerate() {
        file.extend(format!("{} 0 obj\n", number + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    file.extend(format!("trailer\n<< /Root 1 0 R {trailer} >>\n%%EOF\n").bytes());
    file
}

fn stream(dict: &str, content: &[u8]) -> Vec<u8> {
    let packed = zlib(content);
    let head = format!("<< {dict} /Filter /FlateDecode /Length {} >>\nstream\n", packed.len());
    [head.as_bytes(), &packed, b"\nendstream"].concat()
}

/// A PDF of two pages, of which the second shows this content.
fn page(content: &str, font: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let page = |content: u32| format!("<< /Type /Page /Parent 2 0 R /Contents {content} 0 R >>").into_bytes();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 595 842] /Resources << /Font << /F1 7 0 R >> >> >>".to_vec(),
        page(5),
        page(6),
        stream("", b"BT /F1 11 Tf 50 780 Td (The first page) Tj ET"),
        stream("", content.as_bytes()),
        font.as_bytes().to_vec(),
    ];
    objects.extend(more.iter().cloned());
    pdf(&objects, "")
}

const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

fn scan(name: &str, bytes: &[u8]) -> Ran {
    let repo = Repo::new();
    repo.write(name, bytes);
    repo.scan(&[&JSON[..], &["--no-git", "."]].concat())
}

/// `where path:line value` of everything that was found.
fn told(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let mut told: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|finding| {
            let value = finding["secret"]["value"].as_str().unwrap().to_owned();
            let places = finding["occurrences"].as_array().unwrap().clone();
            places.into_iter().map(move |place| {
                format!(
                    "{} {}:{} {value}",
                    place["where"].as_str().unwrap(),
                    place["path"].as_str().unwrap(),
                    place["line"]
                )
            })
        })
        .collect();
    told.sort();
    told
}

#[test]
fn words_that_an_editor_split_are_one() {
    let body = [
        split("Handbook"),
        split(&format!("The token is {} for now", github(300))),
        split(&format!("Password: {}", password(301))),
    ];
    let ran = scan("a.docx", &docx(&body.concat()));
    let expected = [
        format!("archive:text a.docx:2 {}", github(300)),
        format!("archive:text a.docx:3 {}", password(301)),
    ];
    assert_eq!(told(&ran), expected, "{}", ran.out);
    assert!(ran.json()["coverage"]["complete"].as_bool().unwrap());
}

#[test]
fn a_heading_names_the_cells_of_its_column() {
    let row = |cells: [&str; 3]| {
        let cells = cells.map(|cell| format!("<w:tc>{}</w:tc>", split(cell)));
        format!("<w:tr>{}</w:tr>", cells.concat())
    };
    let (one, two) = (password(302), password(303));
    let filler = row(["wiki", "jane", "see vault"]).repeat(200);
    let table =
        [row(["System", "User", "Password"]), row(["vpn", "admin", &one]), filler, row(["ci", "bot", &two])];
    let ran = scan("a.docx", &docx(&format!("<w:tbl>{}</w:tbl>", table.concat())));
    assert_eq!(
        told(&ran),
        [format!("archive:text a.docx:203 {two}"), format!("archive:text a.docx:2 {one}")]
            .map(String::from)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn what_was_deleted_and_what_a_field_holds_is_found() {
    let (old, link) = (password(304), github(305));
    let (head, tail) = link.split_at(11);
    let body = format!(
        "<w:p><w:r><w:t>Password: </w:t></w:r><w:del><w:r><w:delText>{old}</w:delText></w:r></w:del><w:ins><w:r><w:t>see vault</w:t></w:r></w:ins></w:p>\
         <w:p><w:r><w:instrText>HYPERLINK \"https://example.org/?t={head}</w:instrText></w:r><w:r><w:instrText>{tail}\"</w:instrText></w:r></w:p>"
    );
    let ran = scan("a.docx", &docx(&body));
    let part = "archive:text, deleted text and fields a.docx";
    let mut expected = [format!("{part}:1 {old}"), format!("{part}:2 {link}")];
    expected.sort();
    assert_eq!(told(&ran), expected, "{}", ran.out);
}

#[test]
fn cells_of_sheets_stand_in_their_row() {
    let (one, two, three) = (password(306), password(307), password(308));
    let file = zip(&[
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"Access\" sheetId=\"1\" r:id=\"rId7\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"rId7\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!(
                "<worksheet><sheetData><row r=\"3\"><c r=\"B3\" t=\"s\"><v>0</v></c><c r=\"C3\" t=\"s\"><v>1</v></c></row>\
                 <row r=\"4\"><c r=\"B4\" t=\"inlineStr\"><is><t>db</t></is></c><c r=\"C4\" t=\"s\"><v>2</v></c></row>\
                 <row r=\"900\"><c r=\"B900\" t=\"inlineStr\"><is><t>web</t></is></c><c r=\"C900\" t=\"inlineStr\"><is><t>{two}</t></is></c></row>\
                 <row r=\"902\"><c r=\"A902\"><f>\"password=\"&amp;\"{three}\"</f></c></row></sheetData></worksheet>"
            ),
        ),
        (
            "xl/sharedStrings.xml",
            &format!(
                "<sst><si><t>System</t></si><si><t>Password</t></si><si><r><t>{}</t></r><r><t>{}</t></r></si></sst>",
                &one[..5],
                &one[5..]
            ),
        ),
    ]);
    let ran = scan("a.xlsx", &file);
    let told = told(&ran);
    assert!(told.contains(&format!("archive:sheet Access a.xlsx:4 {one}")), "{told:?}");
    assert!(told.contains(&format!("archive:sheet Access a.xlsx:900 {two}")), "{told:?}");
}

#[test]
fn slides_are_numbered_as_they_are_shown() {
    let secret = password(309);
    let slide = |text: &str| {
        format!(
            "<p:sld><a:p><a:r><a:t>Title</a:t></a:r></a:p><a:p><a:r><a:t>{}</a:t></a:r><a:r><a:t>{}</a:t></a:r></a:p></p:sld>",
            &text[..9],
            &text[9..]
        )
    };
    let file = zip(&[
        (
            "ppt/presentation.xml",
            "<p:presentation><p:sldIdLst><p:sldId id=\"256\" r:id=\"rId2\"/><p:sldId id=\"257\" r:id=\"rId1\"/></p:sldIdLst></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            "<Relationships><Relationship Id=\"rId1\" Target=\"slides/slide1.xml\"/><Relationship Id=\"rId2\" Target=\"slides/slide2.xml\"/></Relationships>",
        ),
        ("ppt/slides/slide1.xml", &slide(&format!("Password: {secret}"))),
        ("ppt/slides/slide2.xml", &slide("nothing to see")),
    ]);
    assert_eq!(told(&scan("a.pptx", &file)), [format!("archive:slide 2 a.pptx:2 {secret}")]);
}

#[test]
fn open_documents_are_read() {
    let (one, two) = (password(310), github(311));
    let body = format!(
        "<office:document-content><office:body><office:text><text:p>Login:<text:s/>root<text:line-break/>Password:<text:tab/>{}<text:span>{}</text:span></text:p>\
         <table:table><table:table-row><table:table-cell><text:p>{}<text:span>{}</text:span></text:p></table:table-cell></table:table-row></table:table></office:text></office:body></office:document-content>",
        &one[..4],
        &one[4..],
        &two[..20],
        &two[20..]
    );
    let ran = scan("a.odt", &zip(&[("content.xml", &body)]));
    let mut expected = [format!("archive:text a.odt:2 {one}"), format!("archive:text a.odt:3 {two}")];
    expected.sort();
    assert_eq!(told(&ran), expected, "{}", ran.out);
    let sheets = body
        .replace("office:text>", "office:spreadsheet>")
        .replace("<table:table>", "<table:table table:name=\"Keys\">");
    let ran = scan("a.ods", &zip(&[("content.xml", &sheets)]));
    assert!(told(&ran).contains(&format!("archive:sheet Keys a.ods:1 {two}")), "{:?}", told(&ran));
}

#[test]
fn the_text_of_a_pdf_is_that_of_its_pages() {
    let (token, secret) = (github(312), password(313));
    let (a, b) = token.split_at(9);
    let kerned = format!(
        "BT /F1 11 Tf 14 TL 50 780 Td (Handbook) Tj T* [(The token is ) 12 ({a}) -40 ({b})] TJ T* (Passw) Tj (ord: {}) Tj ET",
        secret.replace('(', "\\(")
    );
    let ran = scan("a.pdf", &page(&kerned, HELVETICA, &[]));
    let mut expected =
        [format!("archive:page 2 a.pdf:2 {token}"), format!("archive:page 2 a.pdf:3 {secret}")];
    expected.sort();
    assert_eq!(told(&ran), expected, "{}", ran.out);
}

#[test]
fn codes_of_a_font_are_read_by_its_table() {
    let token = github(314);
    // Every character has the code of its own plus 100, in two bytes.
    let codes = |text: &str| {
        text.bytes().fold(String::new(), |mut codes, byte| {
            write!(codes, "{:04x}", u16::from(byte) + 100).unwrap();
            codes
        })
    };
    let table = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0084> <00e2> <0020> endbfrange";
    let font = "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 8 0 R /DescendantFonts [<< /DW 600 >>] >>";
    let content = format!(
        "BT /F1 9 Tf 1 0 0 1 50 700 Tm <{}> Tj 1 0 0 1 104 700 Tm <{}> Tj ET",
        codes("the token "),
        codes(&token)
    );
    let ran = scan("a.pdf", &page(&content, font, &[stream("", table.as_bytes())]));
    assert_eq!(told(&ran), [format!("archive:page 2 a.pdf:1 {token}")], "{}", ran.out);
}

#[test]
fn cells_that_stand_apart_on_a_page_are_a_table() {
    let (one, two) = (password(315), password(316));
    let mut content = "BT /F1 10 Tf ".to_owned();
    let rows = [["System", "User", "Password"], ["vpn", "admin", &one], ["ci", "bot", &two]];
    for (y, row) in (0..).map(|row| 700 - 15 * row).zip(rows) {
        for (x, cell) in [50, 130, 210].into_iter().zip(row) {
            write!(content, "1 0 0 1 {x} {y} Tm ({cell}) Tj ").unwrap();
        }
    }
    let ran = scan("a.pdf", &page(&content, HELVETICA, &[]));
    let mut expected = [format!("archive:page 2 a.pdf:2 {one}"), format!("archive:page 2 a.pdf:3 {two}")];
    expected.sort();
    assert_eq!(told(&ran), expected, "{}", ran.out);
}

#[test]
fn what_stands_beside_the_pages_is_found() {
    let (title, link, old) = (github(317), github(318), github(319));
    let field = password(320);
    let packed = format!(
        "20 0 21 {} << /Title ({title}) >> << /Type /Annot /A << /S /URI /URI (https://x:{link}@example.org) >> /T (password) /V ({field}) >>",
        16 + title.len()
    );
    let first = packed.find("<<").unwrap();
    let more = [
        stream(&format!("/Type /ObjStm /N 2 /First {first}"), packed.as_bytes()),
        stream("", format!("BT /F1 9 Tf ({old}) Tj ET").as_bytes()),
    ];
    let ran = scan("a.pdf", &page("BT ET", HELVETICA, &more));
    let all = told(&ran).join("\n");
    for value in [title, link, old, field] {
        assert!(all.contains(&value), "{value} in {all}");
    }
}

#[test]
fn documents_in_archives_and_in_history_are_read_once() {
    let repo = Repo::new();
    let secret = password(321);
    let document = docx(&split(&format!("Password: {secret}")));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("in/a.docx", SimpleFileOptions::default()).unwrap();
    writer.write_all(&document).unwrap();
    repo.write("a.zip", writer.finish().unwrap().into_inner());
    repo.commit("documents");
    let expected = [format!("archive:in/a.docx!text a.zip:1 {secret}")];
    for _ in 0..2 {
        assert_eq!(told(&repo.scan(&JSON)), expected, "also with what the first scan kept");
    }
    repo.write("live.env", format!("DB_PASSWORD={secret}\n"));
    let known = repo.scan(&[&JSON[..], &["--known-from", "live.env"]].concat());
    let finding = &known.json()["findings"][0];
    assert_eq!(finding["rule"], "known-value", "{}", known.out);
    repo.remove("live.env");
    assert_eq!(repo.scan(&[&JSON[..], &["--no-archives", "--no-decode"]].concat()).code, 0);
}

#[test]
fn what_cannot_be_read_is_told() {
    let mut locked = page("BT (x) Tj ET", HELVETICA, &[]);
    locked.extend(b"trailer\n<< /Root 1 0 R /Encrypt 9 0 R >>\n");
    let ran = scan("locked.pdf", &locked);
    let skipped = ran.json()["coverage"]["skipped"].to_string();
    assert!(
        ran.code == 3 && skipped.contains("locked.pdf") && skipped.contains("encrypted PDF"),
        "{skipped}"
    );
    let words = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let container = |name: &str| {
        let start = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        [&start[..], &[0; 600], &words(name), &[0; 100]].concat()
    };
    let repo = Repo::new();
    repo.write("locked.docx", container("EncryptedPackage"));
    repo.write("plain.doc", container("WordDocument"));
    let ran = repo.scan(&[&JSON[..], &["--no-git", "."]].concat());
    let skipped = ran.json()["coverage"]["skipped"].to_string();
    assert!(ran.code == 3 && skipped.contains("locked.docx") && !skipped.contains("plain.doc"), "{skipped}");
    assert_eq!(repo.scan(&[&JSON[..], &["--no-git", "--no-archives", "."]].concat()).code, 0);
    let bomb =
        page("BT ET", HELVETICA, &(0..2).map(|_| stream("", &vec![b' '; 33 << 20])).collect::<Vec<_>>());
    let ran = scan("bomb.pdf", &bomb);
    let skipped = ran.json()["coverage"]["skipped"].to_string();
    assert!(ran.code == 3 && skipped.contains("bomb.pdf"), "{skipped}");
}

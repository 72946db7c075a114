//! Documents as a person reads them: the text of office files and of PDF, part by part and line by line.
//!
//! In the bytes of these files a word may be split over many places, or be packed and written in numbers of a font. What
//! is made of them here are plain texts; a source hands them over as blobs of their own. Works on bytes in memory, and
//! knows nothing of archives, budgets and rules.

mod flow;
mod office;
mod page;
mod pdf;
mod properties;
mod seen;
mod sheet;
mod table;
mod xml;

pub(super) use office::{is_locked, is_office, read as office};
pub(super) use pdf::{HEADER, is_pdf, read as pdf};

#[cfg(test)]
mod tests {
    use super::page::Give;
    use super::seen::Seen;
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::fmt::Write as _;

    /// Words that documents are made of, whole and broken.
    const XML: [&str; 30] = [
        "<w:p>",
        "</w:p>",
        "<w:r>",
        "</w:r>",
        "<w:t>",
        "</w:t>",
        "<w:tbl>",
        "</w:tbl>",
        "<w:tr>",
        "</w:tr>",
        "<w:tc>",
        "</w:tc>",
        "<w:del>",
        "</w:del>",
        "<text:s text:c=\"9999999\"/>",
        "<row r=\"1048576\">",
        "</row>",
        "<c r=\"XFD7\" t=\"s\">",
        "</c>",
        "<v>",
        "</v>",
        "1",
        "&amp;",
        "&#x41;",
        "&",
        "<f>",
        "</f>",
        "<table:table>",
        "<table:table-row table:number-rows-repeated=\"1048576\">",
        "<spreadsheet>",
    ];

    const PDF: [&str; 44] = [
        "1 0 obj\n",
        "2 0 obj\n",
        "3 0 obj\n",
        "endobj\n",
        "<<",
        ">>",
        "/Type ",
        "/Page ",
        "/Pages ",
        "/Kids ",
        "[",
        "]",
        "1 0 R ",
        "2 0 R ",
        "3 0 R ",
        "stream\n",
        "\nendstream\n",
        "/Length ",
        "99999999 ",
        "-1 ",
        "1e30 ",
        "(a\\",
        "(b)",
        "<41",
        "<4142>",
        "/Contents ",
        "trailer",
        "/Root ",
        "BT ",
        "ET ",
        "/F1 ",
        "12 Tf ",
        "Tj ",
        "TJ ",
        "T* ",
        "Td ",
        "0 0 0 0 0 0 Tm ",
        "q ",
        "Q ",
        "/X Do ",
        "BI ",
        " EI ",
        "%",
        "/Type /ObjStm /N 3 /First 9 ",
    ];

    fn lines(read: impl FnOnce(&Give<'_>)) -> Vec<String> {
        let all = RefCell::new(Vec::new());
        read(&|part, line, text| all.borrow_mut().push(format!("{part}:{line}:{text}")));
        all.into_inner()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, ..Default::default() })]

        #[test]
        fn any_markup_is_read(words in prop::collection::vec(prop::sample::select(&XML[..]), 0..60)) {
            let text = words.concat();
            for name in ["word/document.xml", "xl/worksheets/sheet1.xml", "ppt/slides/slide1.xml", "content.xml", "meta.xml"] {
                let names = [name.to_owned()];
                let told = lines(|give| {
                    office(&names, &mut |asked| (asked == name).then(|| text.clone().into_bytes()), give);
                });
                let size: usize = told.iter().map(String::len).sum();
                prop_assert!(size < 40 * (text.len() + 4000) + (1 << 18), "{size} bytes of {}", text.len());
            }
        }

        #[test]
        fn any_pdf_is_read(words in prop::collection::vec(prop::sample::select(&PDF[..]), 0..120)) {
            let text = format!("%PDF-1.4\n{}", words.concat());
            lines(|give| assert_ne!(pdf(text.as_bytes(), 1 << 20, give, &|_, _| ()).0, Seen::Encrypted));
        }

        #[test]
        fn a_damaged_pdf_is_read(at in 0_usize..900, byte: u8, cut in 0_usize..900) {
            let mut file = SAMPLE.as_bytes().to_vec();
            let at = at % file.len();
            file[at] = byte;
            lines(|give| assert_ne!(pdf(&file, 1 << 20, give, &|_, _| ()).0, Seen::Encrypted));
            lines(|give| assert_ne!(pdf(&file[..cut % SAMPLE.len()], 1 << 20, give, &|_, _| ()).0, Seen::Encrypted));
        }
    }

    const SAMPLE: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Contents 4 0 R /MediaBox [0 0 100 100] /Resources << /Font << /F 5 0 R >> >> >>\nendobj\n\
        4 0 obj\n<< /Length 44 >>\nstream\nBT /F 9 Tf 1 2 Td [(Two) -900 (words)] TJ ET Q\nendstream\nendobj\n\
        5 0 obj\n<< /Type /Font /Subtype /Type1 /FirstChar 32 /Widths [250 300] /Encoding << /Differences [65 /uni0042 /adieresis] >> >>\nendobj\n\
        trailer\n<< /Root 1 0 R /Info << /Title <FEFF00480069> >> >>\n";

    /// What an office document with these files says, and how much of it is seen.
    fn told(files: &[(&str, String)]) -> (Vec<String>, Seen) {
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut seen = Seen::All;
        let mut load =
            |asked: &str| Some(files.iter().find(|(name, _)| *name == asked)?.1.clone().into_bytes());
        let told = lines(|give| seen = office(&names, &mut load, give));
        (told, seen)
    }

    #[test]
    fn tables_in_tables_say_everything_once() {
        let nested = |depth: usize| {
            let row = |inner: &str| {
                format!("<w:tr><w:tc><w:p><w:t>System</w:t></w:p></w:tc><w:tc>{inner}</w:tc></w:tr>")
            };
            let head = row("<w:p><w:t>Password</w:t></w:p>");
            let text = (0..depth).fold("<w:p><w:t>innermost</w:t></w:p>".to_owned(), |inner, _| {
                format!("<w:tbl>{head}{}</w:tbl>", row(&inner))
            });
            told(&[("word/document.xml", text)])
        };
        for (depth, expected) in [(1, Seen::All), (12, Seen::All), (40, Seen::Cut)] {
            let (told, seen) = nested(depth);
            // Once in its cell, and once behind the word that heads the column of the outermost table.
            assert_eq!((told.concat().matches("innermost").count(), seen), (2, expected), "{depth}");
        }
    }

    #[test]
    fn a_text_that_many_cells_share_has_a_bound() {
        let sheet = |cells: usize| {
            let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(cells));
            let shared = format!("<si><t>{}</t></si>", "x".repeat(1 << 16));
            told(&[("xl/worksheets/sheet1.xml", row), ("xl/sharedStrings.xml", shared)])
        };
        let size = |told: &[String]| told.iter().map(String::len).sum::<usize>();
        let (few, seen) = sheet(100);
        assert!(size(&few) > 100 << 16 && seen == Seen::All);
        let (many, seen) = sheet(1000);
        assert!(size(&many) < 300 << 16 && seen == Seen::Cut, "{} bytes", size(&many));
    }

    #[test]
    fn a_cell_that_ends_twice_is_told_once() {
        let row = format!("<row><c><f>1+1</f><v>value</v>{}</row>", "</c>".repeat(50));
        let (told, _) = told(&[("xl/worksheets/sheet1.xml", row)]);
        assert_eq!((told.concat().matches("value").count(), told.concat().matches("1+1").count()), (1, 1));
    }

    #[test]
    fn empty_rows_cost_nothing_and_count() {
        let row =
            "<table:table-row table:number-rows-repeated=\"60000\"><table:table-cell/></table:table-row>";
        let last =
            "<table:table-row><table:table-cell><text:p>here</text:p></table:table-cell></table:table-row>";
        let sheet = format!(
            "<spreadsheet><table:table table:name=\"S\">{}{last}</table:table></spreadsheet>",
            row.repeat(500)
        );
        assert_eq!(
            told(&[("content.xml", sheet)]),
            (vec!["sheet S:30000001:| here |\n".to_owned()], Seen::All)
        );
    }

    #[test]
    fn a_property_in_many_elements_has_a_short_name() {
        let name = "n".repeat(1 << 16);
        let text = format!("<p><p name=\"{name}\">{}{}</p></p>", "<v>".repeat(2000), "x</v>".repeat(2000));
        let (told, seen) = told(&[("content.xml", String::new()), ("meta.xml", text)]);
        assert!(told.concat().len() < 2000 * 1000 && seen == Seen::Cut, "{} bytes", told.concat().len());
    }

    #[test]
    fn what_is_broken_is_no_whole_document() {
        let text = "<w:p><w:t>before</w:t></w:p><w:p <w:t>behind</w:t>< ".to_owned();
        let (told, seen) = told(&[("word/document.xml", text)]);
        assert!(told.concat().contains("before") && seen == Seen::Partly, "{told:?}");
    }

    /// A PDF with one page that shows a content, and these objects from number 5 on.
    fn page(dict: &str, content: &str, more: &[&str]) -> String {
        let mut file = format!(
            "%PDF-1.4\n1 0 obj << /Pages 2 0 R >> endobj 2 0 obj << /Kids [3 0 R] >> endobj \
             3 0 obj << /Type /Page {dict} >> endobj 4 0 obj << /Length {} >> stream\n{content}\nendstream endobj ",
            content.len()
        );
        for (number, object) in more.iter().enumerate() {
            write!(file, "{} 0 obj {object} endobj ", number + 5).unwrap();
        }
        file + "trailer << /Root 1 0 R >>"
    }

    fn seen(file: &str) -> (Vec<String>, Seen) {
        let mut seen = Seen::All;
        let told = lines(|give| (seen, _) = pdf(file.as_bytes(), 1 << 30, give, &|_, _| ()));
        (told, seen)
    }

    #[test]
    fn a_page_has_bounds() {
        let many = format!("/Contents [{}]", "4 0 R ".repeat(100));
        let (_, all) = seen(&page(&many, &" ".repeat(1 << 16), &[]));
        let (_, cut) = seen(&page(&many, &" ".repeat(1 << 19), &[]));
        assert_eq!((all, cut), (Seen::All, Seen::Cut));
        // Each character stands for sixty four bytes.
        let table = format!("<< >> stream\nbeginbfchar <41> <{}> endbfchar\nendstream", "0042".repeat(32));
        let content = format!("BT /F 9 Tf ({}) Tj ET", "A".repeat(1 << 17));
        let dict = "/Contents 4 0 R /Resources << /Font << /F << /ToUnicode 5 0 R >> >> >>";
        let (told, cut) = seen(&page(dict, &content, &[&table]));
        assert!(told.concat().len() < 2 << 20 && cut == Seen::Cut);
    }

    #[test]
    fn a_page_that_cannot_be_read_is_told() {
        let plain = page("/Contents 4 0 R", "BT (text) Tj ET", &[]);
        assert_eq!(seen(&plain), (vec!["page 1:1:text\n".to_owned()], Seen::All));
        let font =
            "/Contents 4 0 R /Resources << /Font << /F << /Subtype /Type0 /Encoding /Identity-H >> >> >>";
        for broken in [
            page("/Contents 9 0 R", "BT (text) Tj ET", &[]),
            page(font, "BT /F 9 Tf <00410042> Tj ET", &[]),
            plain.replace("/Length", "/Filter /Unknown /Length"),
            plain.replace("/Length", "/Filter /FlateDecode /Length"),
            plain.replace("/Kids [", "/Kids [9 0 R "),
        ] {
            assert_eq!(seen(&broken).1, Seen::Partly, "{broken}");
        }
    }

    #[test]
    fn what_no_page_shows_is_told() {
        let stream = |dict: &str, content: &str| format!("<< {dict} >> stream\n{content}\nendstream");
        let shown = stream("/Subtype /Form", "BT (shown) Tj ET");
        let own = stream("/Subtype /Form", "BT (annotation) Tj ET");
        let drawn = stream("/Subtype /Form", "1 0 m 2 3 l S");
        let dict = "/Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >>";
        let file = page(dict, "BT (page) Tj ET /X Do", &[&shown, &own, &drawn]);
        let told = seen(&file).0;
        assert_eq!(told, ["page 1:1:page\nshown\n", "object 6:1:annotation\n"].map(str::to_owned).to_vec());
    }

    #[test]
    fn files_are_attached_whatever_names_them() {
        let stream = |dict: &str, content: &str| format!("<< {dict} >> stream\n{content}\nendstream");
        let names = "<< /Names [(a) << /UF (later.env) /EF << /F 5 0 R >> >>] >>";
        let more =
            [&stream("", "first"), &stream("/Subtype /Image", "second"), names, "<< /EF << /F 6 0 R >> >>"];
        let file = page("/Contents 4 0 R", "BT ET", &more).into_bytes();
        let wide = [&b"9 0 obj << >> stream\n"[..], b"\xff\xfeb\0", b"\nendstream endobj\n"].concat();
        let file = [&file[..], &wide].concat();
        let all = RefCell::new(Vec::new());
        let attach = |name: &str, content: &[u8]| all.borrow_mut().push((name.to_owned(), content.to_vec()));
        let (seen, _) = pdf(&file, 1 << 20, &|_, _, _| (), &attach);
        let expected =
            [("later.env", &b"first"[..]), ("attached file", b"second"), ("object 9", b"\xff\xfeb\0")];
        let all: Vec<_> = all.into_inner();
        let all: Vec<_> =
            all.iter().map(|(name, content)| (name.as_str(), content.trim_ascii_end())).collect();
        assert_eq!((all, seen), (expected.to_vec(), Seen::All));
    }

    #[test]
    fn encrypted_documents_are_told() {
        let manifest = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>".to_owned();
        let files = [("content.xml", "\u{1}garbage".to_owned()), ("META-INF/manifest.xml", manifest)];
        assert_eq!(told(&files).1, Seen::Encrypted);
        assert_eq!(told(&files[..1]).1, Seen::All);
        assert!(is_office(&["mimetype".to_owned(), "encrypted-package".to_owned()]));
    }

    #[test]
    fn a_page_is_told_line_by_line() {
        let told =
            lines(|give| assert_ne!(pdf(SAMPLE.as_bytes(), 1 << 20, give, &|_, _| ()).0, Seen::Encrypted));
        assert_eq!(told, ["page 1:1:Two words\n"]);
    }
}

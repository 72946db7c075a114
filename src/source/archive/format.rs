//! What an archive begins with.

use crate::source::document;

/// A form of archive or compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// zip and all that is built on it: jar, war, apk, ipa, whl, nupkg, docx, xlsx, pptx, odt, epub.
    Zip,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Pdf,
    /// One that is recognised and not read.
    Other(&'static str),
}

/// How many bytes decide.
pub(super) const DECIDED_BY: usize = document::HEADER;

/// The bytes of the first header of a tar file.
const TAR_HEADER: usize = 512;

impl Format {
    /// What these first bytes begin; `None` if that is no archive.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        // Nearly everything is text, and is decided by its first byte.
        match bytes.first()? {
            b'P' if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") => Some(Self::Zip),
            0x1f if bytes.starts_with(&[0x1f, 0x8b, 8]) => Some(Self::Gzip),
            b'B' if is_bzip2(bytes) => Some(Self::Bzip2),
            0xfd if bytes.starts_with(b"\xfd7zXZ\0") => Some(Self::Xz),
            0x28 if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Some(Self::Zstd),
            b'7' if bytes.starts_with(b"7z\xbc\xaf\x27\x1c") => Some(Self::Other("7z")),
            b'R' if bytes.starts_with(b"Rar!\x1a\x07") => Some(Self::Other("RAR")),
            _ if is_tar(bytes) => Some(Self::Tar),
            _ if document::is_pdf(bytes) => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// The header, and the mark of a first block or of the end.
fn is_bzip2(bytes: &[u8]) -> bool {
    let block = bytes.get(4..10);
    bytes.starts_with(b"BZh") && matches!(block, Some(b"1AY&SY" | b"\x17\x72\x45\x38\x50\x90"))
}

/// Old tar files have no mark, but all have a sum over their first header.
fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..TAR_HEADER) else { return false };
    let digits = header[148..156].iter().copied().skip_while(|&byte| byte == b' ');
    let digits = digits.take_while(|byte| matches!(byte, b'0'..=b'7'));
    // A short look first: the sum is of 512 bytes.
    let Some(told) =
        digits.map(u32::from).map(|digit| digit - u32::from(b'0')).reduce(|sum, digit| sum * 8 + digit)
    else {
        return false;
    };
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
    told == sum - own + 8 * u32::from(b' ') && header[0] != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_no_archive() {
        for text in ["", "PK", "BZh9 is how a bzip2 file begins", "7z", "a text\n"] {
            assert_eq!(Format::of(text.repeat(600).as_bytes()), None);
        }
    }

    #[test]
    fn a_pdf_may_begin_behind_other_lines() {
        for before in ["", "\u{feff}", "\n", "\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n"] {
            assert_eq!(Format::of(format!("{before}%PDF-1.7\n1 0 obj").as_bytes()), Some(Format::Pdf));
        }
        for text in ["let magic = b\"%PDF-1.7\n\";", "a file begins with\n%PDF-1.7, mostly", "100 %\n%PDF"] {
            assert_eq!(Format::of(text.as_bytes()), None, "{text}");
        }
        let far = format!("{}\n%PDF-1.7\n", "x".repeat(document::HEADER));
        assert_eq!(Format::of(far.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _: Option<Format> = Format::of(&bytes);
        }
    }
}

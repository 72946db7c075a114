//! What streams are packed by.

use super::object::{Dict, Object, from_hex, is_blank};
use flate2::{Decompress, FlushDecompress, Status};
use std::borrow::Cow;

/// The most bytes that one filter makes of a stream.
pub(super) const LARGEST: usize = 32 << 20;

/// The most filters of one stream.
const MOST_FILTERS: usize = 4;

/// Filters of pictures.
const PICTURES: [&[u8]; 6] = [b"DCTDecode", b"DCT", b"JPXDecode", b"CCITTFaxDecode", b"CCF", b"JBIG2Decode"];

/// What a stream holds, as far as it was unpacked.
#[derive(Debug, PartialEq)]
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// Whether it is not all: because it is more, or because the rest is damaged.
    pub(super) is_cut: bool,
    pub(super) is_damaged: bool,
    /// How many bytes were read and made for it.
    pub(super) work: usize,
}

/// Why a stream is not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Picture,
    /// A filter that is not known, or too many of them.
    Unknown,
}

/// The bytes of a stream, through all its filters.
pub(super) fn decode(dict: &Dict, raw: &[u8]) -> Result<Unpacked, Unread> {
    let list = |names: [&[u8]; 2]| match names.iter().find_map(|name| dict.get(*name)) {
        Some(Object::Array(array)) => array.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let (filters, parameters) = (list([b"Filter", b"F"]), list([b"DecodeParms", b"DP"]));
    if filters.len() > MOST_FILTERS {
        return Err(Unread::Unknown);
    }
    let (mut bytes, mut is_cut, mut is_damaged, mut work) = (Cow::Borrowed(raw), false, false, 0);
    for (number, filter) in filters.iter().enumerate() {
        let parameters = parameters.get(number).and_then(Object::dict);
        let made = match filter.name().ok_or(Unread::Unknown)? {
            b"FlateDecode" | b"Fl" => {
                let (made, is_whole) = inflated(&bytes);
                is_damaged |= !is_whole;
                predicted(made, parameters)
            }
            b"LZWDecode" | b"LZW" => predicted(unpacked_lzw(&bytes, parameters), parameters),
            b"ASCIIHexDecode" | b"AHx" => {
                from_hex(bytes.split(|byte| *byte == b'>').next().unwrap_or_default())
            }
            b"ASCII85Decode" | b"A85" => from_85(&bytes),
            b"RunLengthDecode" | b"RL" => run_lengths(&bytes),
            name if PICTURES.contains(&name) => return Err(Unread::Picture),
            _ => return Err(Unread::Unknown),
        };
        work += bytes.len() + made.len();
        is_cut |= made.len() >= LARGEST;
        bytes = Cow::Owned(made);
    }
    let work = work.max(raw.len());
    Ok(Unpacked { bytes: bytes.into_owned(), is_cut, is_damaged, work })
}

/// What is packed, and whether that is all of it. What comes before an error is as good as the rest.
fn inflated(bytes: &[u8]) -> (Vec<u8>, bool) {
    let (out, is_whole) = inflated_from(bytes, true);
    if out.is_empty() && !is_whole && bytes.len() > 2 {
        return inflated_from(&bytes[2..], false);
    }
    (out, is_whole || bytes.trim_ascii().is_empty())
}

fn inflated_from(bytes: &[u8], has_header: bool) -> (Vec<u8>, bool) {
    let (mut inflater, mut out) = (Decompress::new(has_header), Vec::new());
    let mut at = 0;
    while out.len() < LARGEST {
        out.reserve_exact(out.len().clamp(4096, 4 << 20).min(LARGEST - out.len()));
        let len = out.len();
        let status = inflater.decompress_vec(&bytes[at..], &mut out, FlushDecompress::None);
        let read = usize::try_from(inflater.total_in()).unwrap_or(bytes.len());
        match status {
            Ok(Status::StreamEnd) => return (out, true),
            Ok(_) if read > at || out.len() > len => at = read,
            _ => return (out, false),
        }
    }
    out.truncate(LARGEST);
    // That it is cut shows by its length.
    (out, true)
}

/// Undoes the prediction of each byte from those before and above it.
fn predicted(bytes: Vec<u8>, parameters: Option<&Dict>) -> Vec<u8> {
    let number = |name: &[u8], or: usize| parameters.and_then(|dict| dict.get(name)?.count()).unwrap_or(or);
    let predictor = number(b"Predictor", 1);
    let bits = number(b"Colors", 1).min(32) * number(b"BitsPerComponent", 8).min(32);
    let pixel = bits.div_ceil(8).max(1);
    let row = (bits * number(b"Columns", 1).min(1 << 20)).div_ceil(8).max(1);
    match predictor {
        2 => {
            let mut bytes = bytes;
            for line in bytes.chunks_mut(row) {
                (pixel..line.len()).for_each(|at| line[at] = line[at].wrapping_add(line[at - pixel]));
            }
            bytes
        }
        10.. => png(&bytes, row, pixel),
        _ => bytes,
    }
}

fn png(bytes: &[u8], row: usize, pixel: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let (kind, start) = (line[0], out.len());
        for (at, byte) in line[1..].iter().enumerate() {
            let left = if at >= pixel { out[start + at - pixel] } else { 0 };
            let above =
                |back: usize| (start + at).checked_sub(row + back).and_then(|place| out.get(place)).copied();
            let up = above(0).unwrap_or(0);
            let corner = if at >= pixel { above(pixel).unwrap_or(0) } else { 0 };
            let guess = match kind {
                1 => left,
                2 => up,
                3 => u8::midpoint(left, up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| (guess - i16::from(byte)).abs();
    [left, up, corner].into_iter().min_by_key(|byte| far(*byte)).unwrap_or(0)
}

fn from_85(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut group) = (Vec::new(), Vec::new());
    let bytes = bytes.strip_prefix(b"<~").unwrap_or(bytes);
    for byte in bytes.iter().filter(|byte| !is_blank(**byte)) {
        match byte {
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => break,
        }
        if group.len() == 5 {
            out.extend(word_85(&group));
            group.clear();
        }
        if out.len() >= LARGEST {
            return out;
        }
    }
    if group.len() > 1 {
        let len = group.len() - 1;
        group.resize(5, 84);
        out.extend(&word_85(&group)[..len]);
    }
    out
}

fn word_85(group: &[u32]) -> [u8; 4] {
    group.iter().fold(0_u32, |word, digit| word.wrapping_mul(85).wrapping_add(*digit)).to_be_bytes()
}

fn run_lengths(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&length) = bytes.get(at).filter(|_| out.len() < LARGEST) {
        let count = usize::from(length);
        match length {
            128 => break,
            129.. => {
                let Some(byte) = bytes.get(at + 1) else { break };
                out.extend(std::iter::repeat_n(*byte, 257 - count));
                at += 2;
            }
            _ => {
                let end = (at + 2 + count).min(bytes.len());
                out.extend_from_slice(bytes.get(at + 1..end).unwrap_or_default());
                at += 2 + count;
            }
        }
    }
    out
}

/// LZW as TIFF has it: codes of nine to twelve bits, 256 to begin anew, 257 to end.
fn unpacked_lzw(bytes: &[u8], parameters: Option<&Dict>) -> Vec<u8> {
    let early = parameters.and_then(|dict| dict.get(&b"EarlyChange"[..])?.count()).unwrap_or(1).min(1);
    // Each code of the table is a piece of what was told before.
    let (mut out, mut table): (Vec<u8>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    let (mut width, mut held, mut bits, mut last): (usize, u32, usize, Option<(usize, usize)>) =
        (9, 0, 0, None);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        if bits < width {
            continue;
        }
        bits -= width;
        let code = (held >> bits) as usize & ((1 << width) - 1);
        held &= (1 << bits) - 1;
        if code == 256 {
            (width, last) = (9, None);
            table.clear();
            continue;
        }
        let start = out.len();
        match (code, table.get(code.wrapping_sub(258)).copied()) {
            (257, _) => break,
            (0..=255, _) => out.push(u8::try_from(code).unwrap_or(0)),
            (_, Some((from, len))) => out.extend_from_within(from..from + len),
            (_, None) => {
                // The code that this very step defines: the last piece and its own first byte.
                let Some((from, len)) = last else { break };
                out.extend_from_within(from..from + len);
                out.push(out[from]);
            }
        }
        if let Some((from, len)) = last.filter(|_| table.len() < 4096 - 258) {
            table.push((from, len + 1));
        }
        last = Some((start, out.len() - start));
        width = match table.len() + 258 + early + 1 {
            0..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
        if out.len() >= LARGEST {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn named(filter: &[u8]) -> Dict {
        Dict::from([(b"Filter".to_vec(), Object::Name(filter.to_vec()))])
    }

    fn text(filter: &[u8], raw: &[u8]) -> Vec<u8> {
        decode(&named(filter), raw).unwrap().bytes
    }

    #[test]
    fn texts_are_unpacked() {
        assert_eq!(text(b"ASCIIHexDecode", b"61 62\n6>"), b"ab`");
        assert_eq!(text(b"ASCII85Decode", b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(text(b"RunLengthDecode", b"\x01ab\xfec\x80"), b"abccc");
        // The example of the format's description.
        let lzw = text(b"LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01");
        assert_eq!(lzw, [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        assert_eq!(decode(&named(b"DCTDecode"), b"picture"), Err(Unread::Picture));
    }

    #[test]
    fn no_filter_makes_more_than_the_bound() {
        let filters = |names: &[&[u8]]| {
            let names = names.iter().map(|name| Object::Name(name.to_vec())).collect();
            Dict::from([(b"Filter".to_vec(), Object::Array(names))])
        };
        // What runs of zeros are made of, so that each filter makes as much of it again.
        let raw = [0x81, 0].repeat(1 << 12);
        for name in [&b"RL"[..], b"A85"] {
            let unpacked = decode(&filters(&[name]), &b"z".repeat(LARGEST / 4 + 9)).unwrap();
            assert!(unpacked.bytes.len() <= LARGEST + 512);
            assert!(unpacked.is_cut || name == b"RL");
        }
        let unpacked = decode(&filters(&[b"RL"]), &raw.repeat(1 << 6)).unwrap();
        assert!(unpacked.bytes.len() <= LARGEST + 512 && unpacked.is_cut);
        assert_eq!(
            decode(&filters(&[&b"RL"[..]; 5]), &raw),
            Err(Unread::Unknown),
            "its bytes are packed still"
        );
        assert_eq!(decode(&filters(&[b"Crypt"]), &raw), Err(Unread::Unknown));
    }

    #[test]
    fn what_is_damaged_is_told() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&(0..9000_u32).flat_map(u32::to_be_bytes).collect::<Vec<_>>()).unwrap();
        let packed = encoder.finish().unwrap();
        let whole = decode(&named(b"FlateDecode"), &packed).unwrap();
        assert!(!whole.is_damaged && whole.bytes.len() == 36000);
        let torn = decode(&named(b"FlateDecode"), &packed[..packed.len() / 2]).unwrap();
        assert!(torn.is_damaged && whole.bytes.starts_with(&torn.bytes) && torn.bytes.len() > 4000);
        let alone = decode(&named(b"FlateDecode"), &[&b"??"[..], &packed[2..]].concat()).unwrap();
        assert_eq!(alone.bytes, whole.bytes, "behind a header that is broken");
        assert!(!decode(&named(b"FlateDecode"), b"\n").unwrap().is_damaged, "nothing is packed");
    }

    #[test]
    fn predictions_are_undone() {
        assert_eq!(png(&[2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1], 3, 1), [1, 2, 3, 2, 3, 4, 5, 6, 7]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), number in 0_usize..5, columns in -2_i16..400, predictor in 0_u8..16) {
            let names: [&[u8]; 5] = [b"FlateDecode", b"LZWDecode", b"ASCII85Decode", b"RunLengthDecode", b"ASCIIHexDecode"];
            let mut dict = named(names[number]);
            let parameters = Dict::from([(b"Predictor".to_vec(), Object::Number(predictor.into())), (b"Columns".to_vec(), Object::Number(columns.into()))]);
            dict.insert(b"DecodeParms".to_vec(), Object::Dict(parameters.clone()));
            prop_assert!(decode(&dict, &bytes).is_ok());
            drop(predicted(bytes, Some(&parameters)));
        }
    }
}

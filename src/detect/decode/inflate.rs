//! What gzip, zlib and zstd packed, as far as it is no bomb.

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;

/// The most that one packed part may hold.
pub(in crate::detect) const LARGEST: usize = 8 << 20;
/// How many times its size a part may hold, beyond `SMALL`. Text packs to a twentieth at best, zeros to a thousandth.
const RATIO: usize = 64;
const SMALL: usize = 4096;

const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

pub(super) struct Unpacked {
    pub(super) text: Vec<u8>,
    /// Whether there was more.
    pub(super) cut: bool,
}

/// Whether the bytes begin as gzip, zlib and zstd do.
pub(super) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b\x08") || is_zlib(head) || head.starts_with(ZSTD)
}

/// The name of the packing and what is inside; `None` when it is not packed, or broken at once.
pub(super) fn unpack(bytes: &[u8]) -> Option<(&'static str, Unpacked)> {
    let (name, mut reader): (_, Box<dyn Read>) = if bytes.starts_with(b"\x1f\x8b\x08") {
        ("gzip", Box::new(MultiGzDecoder::new(bytes)))
    } else if is_zlib(bytes) {
        ("zlib", Box::new(ZlibDecoder::new(bytes)))
    } else if bytes.starts_with(ZSTD) {
        ("zstd", Box::new(StreamingDecoder::new_with_max_window_size(bytes, LARGEST as u64).ok()?))
    } else {
        return None;
    };
    let most = (SMALL + RATIO * bytes.len()).min(LARGEST);
    let mut text = Vec::new();
    // What comes before an error is as good as the rest.
    let _incomplete = (&mut *reader).take(most as u64).read_to_end(&mut text);
    let cut = text.len() == most && matches!(reader.read(&mut [0]), Ok(1));
    (!text.is_empty()).then_some((name, Unpacked { text, cut }))
}

fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, level, ..] if (0x7800 + u32::from(*level)) % 31 == 0)
}

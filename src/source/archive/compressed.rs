//! One compressed stream, whichever form it has, as a reader of what it holds.

use super::format::Format;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, BufReader, Read};

/// The most memory that a stream may ask for: what the highest levels of xz and zst use, and some.
const MOST_MEMORY: u64 = 256 << 20;

/// What a stream holds, and the name of the file that it was made of, if it says so.
pub(super) struct Unpacked<'r> {
    pub(super) reader: Box<dyn Read + 'r>,
    pub(super) name: Option<Vec<u8>>,
}

/// Starts to unpack a stream.
pub(super) fn unpack(format: Format, packed: &mut dyn Read) -> io::Result<Unpacked<'_>> {
    let packed = BufReader::with_capacity(1 << 16, packed);
    let mut name = None;
    let reader: Box<dyn Read> = match format {
        Format::Gzip => {
            let decoder = flate2::bufread::MultiGzDecoder::new(packed);
            name = decoder.header().and_then(|header| header.filename()).map(<[u8]>::to_vec);
            Box::new(decoder)
        }
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        Format::Xz => {
            let most = u32::try_from(MOST_MEMORY >> 10).unwrap_or(u32::MAX);
            Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, most))
        }
        Format::Zstd => Box::new(Frames { state: Some(State::Between(packed)) }),
        Format::Zip | Format::Tar | Format::Pdf | Format::Other(_) => {
            return Err(io::ErrorKind::Unsupported.into());
        }
    };
    Ok(Unpacked { reader, name })
}

/// The frames of a zst file, one after the other; the decoder ends after one.
struct Frames<R: BufRead> {
    state: Option<State<R>>,
}

enum State<R: BufRead> {
    Between(R),
    Inside(Box<StreamingDecoder<R, FrameDecoder>>),
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(state) = self.state.take() {
            match state {
                State::Between(mut packed) => {
                    if packed.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    self.state = Some(if skip_frame(&mut packed)? {
                        State::Between(packed)
                    } else {
                        let decoder = StreamingDecoder::new_with_max_window_size(packed, MOST_MEMORY);
                        State::Inside(Box::new(decoder.map_err(io::Error::other)?))
                    });
                }
                State::Inside(mut decoder) => {
                    let read = decoder.read(buffer)?;
                    let ended = read == 0 && !buffer.is_empty();
                    self.state = Some(if ended {
                        State::Between(decoder.into_inner())
                    } else {
                        State::Inside(decoder)
                    });
                    if !ended {
                        return Ok(read);
                    }
                }
            }
        }
        Ok(0)
    }
}

/// Passes over a frame that holds no content; false if this is none.
fn skip_frame(packed: &mut impl BufRead) -> io::Result<bool> {
    let start = packed.fill_buf()?;
    let is_skippable = start.len() >= 4 && start[0] & 0xf0 == 0x50 && start[1..4] == [0x2a, 0x4d, 0x18];
    if is_skippable {
        let mut header = [0; 8];
        packed.read_exact(&mut header)?;
        let length = u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
        io::copy(&mut packed.take(length), &mut io::sink())?;
    }
    Ok(is_skippable)
}

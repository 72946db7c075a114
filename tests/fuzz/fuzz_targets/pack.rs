//! A pack and an index in files, walked as a scan walks them. The first byte counts the objects; two more for each are
//! the offset. The rest is the pack, behind a header that is right.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else { return };
    let count = usize::from(count % 8);
    let Some((offsets, body)) = rest.split_at_checked(count * 2) else { return };
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("pack");
    std::fs::create_dir(&packs).unwrap();
    let number = u32::try_from(count).unwrap().to_be_bytes();
    let pack = [b"PACK\0\0\0\x02", &number[..], body, &[0; 20]].concat();
    std::fs::write(packs.join("pack-1.pack"), pack).unwrap();
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    // All names start with the same byte.
    index.extend((0..256_u32).flat_map(|byte| if byte >= 7 { number } else { [0; 4] }));
    (0..count).for_each(|object| index.extend([&[7, u8::try_from(object).unwrap()][..], &[7; 18]].concat()));
    index.extend(vec![0; 4 * count]);
    offsets.chunks(2).for_each(|offset| index.extend([0, 0, offset[0], offset[1]]));
    index.extend([0; 40]);
    std::fs::write(packs.join("pack-1.idx"), index).unwrap();
    unleak::source::git::doors::store(folder.path());
});

//! Packs that ask for more than they bring.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::objs::Kind;

use super::objects::entry_header;

const DISTANCE: u8 = 6;
const NAME: u8 = 7;
/// Most that one instruction copies.
const COPY: usize = 0xff_ffff;

/// How a pack asks for too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPack {
    /// It claims to hold so many objects, and holds none.
    Claims(u32),
    /// An object says that it is of 10 bytes, and becomes so many mebibytes.
    Bomb(usize),
    /// An object says that it is of so many bytes, and is of none.
    Large(usize),
    /// An object that is so many times as large as the mebibyte that it copies.
    Copies(usize),
    /// Objects that each differ from the one before.
    Chain(usize),
    /// Of each object of so many mebibytes two others are made, of one of which again two, so many times.
    Comb {
        /// How large they are.
        mebibytes: usize,
        /// How many times.
        times: usize,
    },
    /// The same by names in place of distances.
    NamedComb {
        /// How large they are.
        mebibytes: usize,
        /// How many times.
        times: usize,
    },
    /// An object differs from one that is nowhere.
    WithoutBase,
}

pub(super) fn bad_pack(bad: BadPack) -> io::Result<Vec<u8>> {
    let mut pack = Pack::default();
    match bad {
        BadPack::Claims(count) => return pack.finish(count),
        BadPack::Bomb(mebibytes) => pack.add(&entry_header(Kind::Blob, 10), &zeros(mebibytes))?,
        BadPack::Large(bytes) => pack.add(&entry_header(Kind::Blob, bytes), b"")?,
        BadPack::Copies(times) => {
            let base = pack.whole(&zeros(1))?;
            let copies = vec![(0, 1 << 20); times];
            pack.differing(base, &delta(1 << 20, &copies, b""))?;
        }
        BadPack::Chain(length) => {
            let mut base = pack.whole(b"base")?;
            for number in 0..length {
                base = pack.differing(base, &delta(4, &[], &(number as u32).to_be_bytes()))?;
            }
        }
        BadPack::Comb { mebibytes, times } => {
            let mut base = pack.whole(&zeros(mebibytes))?;
            for number in 0..times {
                let [leaf, next] = two(mebibytes << 20, number);
                let after = pack.differing(base, &next)?;
                pack.differing(base, &leaf)?;
                base = after;
            }
        }
        BadPack::NamedComb { mebibytes, times } => {
            let mut content = zeros(mebibytes);
            pack.whole(&content)?;
            for number in 0..times {
                let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, &content);
                let id = id.map_err(io::Error::other)?;
                let [leaf, next] = two(mebibytes << 20, number);
                pack.naming(id.as_slice(), &leaf)?;
                pack.naming(id.as_slice(), &next)?;
                content.truncate(content.len() - 4);
                content.extend(mark(number, 1));
            }
        }
        BadPack::WithoutBase => pack.naming(&[7; 20], &delta(4, &[(0, 4)], b"more"))?,
    }
    let count = pack.count;
    pack.finish(count)
}

fn zeros(mebibytes: usize) -> Vec<u8> {
    vec![0; mebibytes << 20]
}

/// What makes two other objects of the same length of one.
fn two(length: usize, number: usize) -> [Vec<u8>; 2] {
    let mut copies = Vec::new();
    let mut place = 0;
    while place < length - 4 {
        let part = COPY.min(length - 4 - place);
        copies.push((place, part));
        place += part;
    }
    [0, 1].map(|which| delta(length, &copies, &mark(number, which)))
}

fn mark(number: usize, which: u8) -> [u8; 4] {
    let [.., a, b] = (number as u32).to_be_bytes();
    [b'x', which, a, b]
}

/// Git's instructions: copy these parts, then append that.
fn delta(base: usize, copies: &[(usize, usize)], append: &[u8]) -> Vec<u8> {
    let copied: usize = copies.iter().map(|(_, size)| size).sum();
    let mut delta = [variable(base), variable(copied + append.len())].concat();
    for (offset, size) in copies {
        let (offset, size) = ((*offset as u32).to_le_bytes(), (*size as u32).to_le_bytes());
        delta.push(0xff);
        delta.extend(offset);
        delta.extend(&size[..3]);
    }
    if !append.is_empty() {
        delta.push(append.len() as u8);
        delta.extend(append);
    }
    delta
}

fn variable(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A pack that grows.
#[derive(Default)]
struct Pack {
    entries: Vec<u8>,
    count: u32,
}

impl Pack {
    fn add(&mut self, header: &[u8], content: &[u8]) -> io::Result<()> {
        self.entries.extend(header);
        let mut encoder = ZlibEncoder::new(&mut self.entries, Compression::fast());
        encoder.write_all(content)?;
        encoder.finish()?;
        self.count += 1;
        Ok(())
    }

    /// Adds an object, and gives where it stands.
    fn whole(&mut self, content: &[u8]) -> io::Result<usize> {
        let place = self.entries.len();
        self.add(&entry_header(Kind::Blob, content.len()), content)?;
        Ok(place)
    }

    /// Adds an object that differs from the one at `base`, and gives where it stands.
    fn differing(&mut self, base: usize, delta: &[u8]) -> io::Result<usize> {
        let place = self.entries.len();
        let mut header = of_kind(DISTANCE, delta.len());
        let mut rest = place - base;
        let mut distance = vec![(rest & 127) as u8];
        while rest > 127 {
            rest = (rest >> 7) - 1;
            distance.push((rest & 127) as u8 | 128);
        }
        header.extend(distance.iter().rev());
        self.add(&header, delta)?;
        Ok(place)
    }

    /// Adds an object that differs from the one of this id.
    fn naming(&mut self, id: &[u8], delta: &[u8]) -> io::Result<()> {
        let mut header = of_kind(NAME, delta.len());
        header.extend(id);
        self.add(&header, delta)
    }

    fn finish(self, count: u32) -> io::Result<Vec<u8>> {
        let mut pack = [b"PACK\0\0\0\x02".as_slice(), &count.to_be_bytes(), &self.entries].concat();
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&pack);
        pack.extend(hasher.try_finalize().map_err(io::Error::other)?.as_slice());
        Ok(pack)
    }
}

fn of_kind(kind: u8, size: usize) -> Vec<u8> {
    let mut header = entry_header(Kind::Blob, size);
    if let Some(first) = header.first_mut() {
        *first = (*first & 0x8f) | (kind << 4);
    }
    header
}

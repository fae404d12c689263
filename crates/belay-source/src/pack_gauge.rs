//! What unpacking a pack would take, found out from its frame while it comes.

use std::collections::HashMap;

use flate2::{Decompress, FlushDecompress, Status};

use crate::budget::TransportError;
use crate::git::GitLimits;

/// Git itself makes no longer chains of differences.
const LONGEST_CHAIN: u16 = 4095;
/// What one object's chain may hold in all, in units of what may be held at a time: that much is read to get the object.
const CHAIN_SHARE: u64 = 4;
/// A difference begins with two sizes, each of at most ten bytes.
const SIZES: usize = 20;
const HEADER: usize = 12;
const ID: usize = 20;

/// Follows one pack, byte by byte.
pub(crate) struct PackGauge {
    limits: GitLimits,
    place: Place,
    offset: u64,
    objects_left: u32,
    inflate: Decompress,
    scratch: Vec<u8>,
    entry: Entry,
    nodes: Vec<Node>,
    /// Objects that others name by their ids: how large, and how many name them. Where they stand is not known.
    named: HashMap<[u8; ID], (u64, u32)>,
    has_distances: bool,
}

/// Where in the pack we are.
enum Place {
    Header([u8; HEADER], usize),
    /// In the kind and size of an object, at this bit of the size.
    Size(u32),
    /// In the distance to what an object differs from.
    Distance(u64, bool),
    /// In the id of what an object differs from.
    Id([u8; ID], usize),
    Body,
    /// Behind the last object, or in what is no pack.
    Done,
}

/// The object that comes.
#[derive(Default)]
struct Entry {
    begin: u64,
    kind: u8,
    size: u64,
    base: Option<Base>,
    /// How it begins.
    head: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Base {
    Node(u32),
    Named([u8; ID]),
}

/// An object that came. All point back, so that one look suffices.
struct Node {
    offset: u64,
    /// The sizes of it and of all that it differs from, unpacked.
    chain: u64,
    base: Option<u32>,
    depth: u16,
    /// Whether more than one differ from it: it is held until all of them are unpacked.
    children: u8,
}

impl PackGauge {
    pub(crate) fn new(limits: GitLimits) -> PackGauge {
        PackGauge {
            limits,
            place: Place::Header([0; HEADER], 0),
            offset: 0,
            objects_left: 0,
            inflate: Decompress::new(true),
            scratch: Vec::new(),
            entry: Entry::default(),
            nodes: Vec::new(),
            named: HashMap::new(),
            has_distances: false,
        }
    }

    /// The next bytes of the pack.
    pub(crate) fn see(&mut self, mut bytes: &[u8]) -> Result<(), TransportError> {
        while let Some(&byte) = bytes.first() {
            let used = match &mut self.place {
                Place::Done => return Ok(()),
                Place::Body => self.inflate(bytes)?,
                Place::Header(header, known) => {
                    header[*known] = byte;
                    *known += 1;
                    if *known == HEADER {
                        let header = *header;
                        self.begin(header)?;
                    }
                    1
                }
                Place::Size(shift) => {
                    let shift = *shift;
                    self.size(byte, shift)?;
                    1
                }
                Place::Distance(..) => {
                    self.distance(byte);
                    1
                }
                Place::Id(id, known) => {
                    id[*known] = byte;
                    *known += 1;
                    if *known == ID {
                        self.entry.base = Some(Base::Named(*id));
                        self.place = Place::Body;
                    }
                    1
                }
            };
            self.offset += used as u64;
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn begin(&mut self, header: [u8; HEADER]) -> Result<(), TransportError> {
        let [.., a, b, c, d] = header;
        let count = u32::from_be_bytes([a, b, c, d]);
        if !header.starts_with(b"PACK") {
            self.place = Place::Done;
            return Ok(());
        }
        if count > self.limits.objects {
            return Err(TransportError::TooManyObjects { count, limit: self.limits.objects });
        }
        self.objects_left = count;
        self.place = if count == 0 { Place::Done } else { Place::Size(0) };
        Ok(())
    }

    /// The kind of an object and its size, the lowest bits first: four, then seven in each byte.
    fn size(&mut self, byte: u8, shift: u32) -> Result<(), TransportError> {
        let shift = if shift == 0 {
            let kind = (byte >> 4) & 7;
            self.entry = Entry { begin: self.offset, kind, size: u64::from(byte & 15), ..Entry::default() };
            4
        } else if shift < u64::BITS {
            self.entry.size |= u64::from(byte & 127) << shift;
            shift + 7
        } else {
            self.place = Place::Done;
            return Ok(());
        };
        if byte & 128 != 0 {
            self.place = Place::Size(shift);
            return Ok(());
        }
        self.check_size(self.entry.size)?;
        self.inflate.reset(true);
        self.place = match self.entry.kind {
            1..=4 => Place::Body,
            6 => Place::Distance(0, false),
            7 => Place::Id([0; ID], 0),
            _ => Place::Done,
        };
        Ok(())
    }

    fn check_size(&self, size: u64) -> Result<(), TransportError> {
        let limit = self.limits.object;
        if size > limit { Err(TransportError::LargeObject { size, limit }) } else { Ok(()) }
    }

    fn distance(&mut self, byte: u8) {
        let Place::Distance(before, has_begun) = self.place else { return };
        let before = if has_begun { before.saturating_add(1).saturating_mul(128) } else { 0 };
        let distance = before.saturating_add(u64::from(byte & 127));
        if byte & 128 != 0 {
            self.place = Place::Distance(distance, true);
            return;
        }
        let offset = self.entry.begin.checked_sub(distance);
        let base =
            offset.and_then(|offset| self.nodes.binary_search_by_key(&offset, |node| node.offset).ok());
        self.entry.base = base.and_then(|base| u32::try_from(base).ok()).map(Base::Node);
        // What leads nowhere is refused by who unpacks it.
        self.place = if self.entry.base.is_some() { Place::Body } else { Place::Done };
    }

    /// Unpacks what is here of an object and drops it, but for its first bytes. Gives how much was used up.
    fn inflate(&mut self, bytes: &[u8]) -> Result<usize, TransportError> {
        self.scratch.resize(32 * 1024, 0);
        let mut used = 0;
        loop {
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(&bytes[used..], &mut self.scratch, FlushDecompress::None);
            let taken = (self.inflate.total_in() - taken) as usize;
            let given = (self.inflate.total_out() - given) as usize;
            used += taken;
            let missing = SIZES.saturating_sub(self.entry.head.len()).min(given);
            self.entry.head.extend_from_slice(&self.scratch[..missing]);
            if self.inflate.total_out() > self.entry.size {
                return Err(TransportError::LongerThanItSays { size: self.entry.size });
            }
            match status {
                Ok(Status::StreamEnd) => {
                    self.end_of_object()?;
                    return Ok(used);
                }
                Ok(_) if given == self.scratch.len() || (taken > 0 && used < bytes.len()) => {}
                Ok(_) => return Ok(bytes.len()),
                Err(_) => {
                    self.place = Place::Done;
                    return Ok(bytes.len());
                }
            }
        }
    }

    fn end_of_object(&mut self) -> Result<(), TransportError> {
        let entry = std::mem::take(&mut self.entry);
        let sizes = if entry.base.is_some() { sizes(&entry.head) } else { Some((0, entry.size)) };
        let Some((base_size, size)) = sizes else {
            self.place = Place::Done;
            return Ok(());
        };
        self.check_size(size)?;
        let mut node = Node { offset: entry.begin, chain: size, base: None, depth: 0, children: 0 };
        match entry.base {
            None => {}
            Some(Base::Named(id)) => {
                // A size that is not true is refused when it is unpacked.
                let known = self.named.entry(id).or_insert((base_size, 0));
                *known = (known.0.max(base_size), known.1.saturating_add(1));
            }
            Some(Base::Node(at)) => {
                self.has_distances = true;
                let base = &mut self.nodes[at as usize];
                base.children = base.children.saturating_add(1);
                node.chain = size.saturating_add(base.chain);
                node.depth = base.depth + 1;
                node.base = Some(at);
            }
        }
        if node.depth > LONGEST_CHAIN {
            return Err(TransportError::LongChain { limit: LONGEST_CHAIN });
        }
        let limit = self.limits.unpacking.saturating_mul(CHAIN_SHARE);
        if node.base.is_some() && node.chain > limit {
            return Err(TransportError::TooMuchToUnpack { limit });
        }
        self.nodes.push(node);
        self.objects_left -= 1;
        self.place = Place::Size(0);
        if self.objects_left == 0 {
            self.place = Place::Done;
            return self.check_held();
        }
        Ok(())
    }

    /// The most that is held at a time: all along a chain from which other chains part. Of objects that are named by
    /// their ids the worst is thought.
    fn check_held(&self) -> Result<(), TransportError> {
        let is_held = |(_, count): &&(u64, u32)| *count > 1 || self.has_distances;
        let named = self.named.values().filter(is_held).map(|(size, _)| *size).fold(0, u64::saturating_add);
        let mut held: Vec<u64> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            held.push(node.base.map_or(0, |at| held[at as usize] + self.held_for(at as usize)));
        }
        let most = held.into_iter().max().unwrap_or_default().saturating_add(named);
        let limit = self.limits.unpacking;
        if most > limit { Err(TransportError::TooMuchToUnpack { limit }) } else { Ok(()) }
    }

    fn held_for(&self, at: usize) -> u64 {
        let node = &self.nodes[at];
        let below = node.base.map_or(0, |base| self.nodes[base as usize].chain);
        if node.children > 1 { node.chain - below } else { 0 }
    }
}

/// How large what an object differs from is, and the object itself.
fn sizes(head: &[u8]) -> Option<(u64, u64)> {
    let mut rest = head.iter();
    let mut next = || {
        let mut size = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = rest.next()?;
            size |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Some(size);
            }
        }
        None
    };
    Some((next()?, next()?))
}

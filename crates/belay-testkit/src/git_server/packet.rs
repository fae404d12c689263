//! Git's packet lines: four hexadecimal digits of length, then the bytes.

use std::io::{self, Read, Write};

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// `0000`
    Flush,
    /// `0001`
    Delimiter,
    /// A line, without its line feed.
    Line(Vec<u8>),
}

const LARGEST: usize = 65_520;
/// Payload of one side-band packet: the largest packet, its length and its channel taken off.
const BAND: usize = LARGEST - 5;

/// Reads one packet; `None` at the end of the input.
pub(super) fn read(input: &mut dyn Read) -> io::Result<Option<Packet>> {
    let mut length = [0; 4];
    match input.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => input.read_exact(&mut length[1..])?,
    }
    let text = std::str::from_utf8(&length).map_err(|_| malformed())?;
    match usize::from_str_radix(text, 16).map_err(|_| malformed())? {
        0 => Ok(Some(Packet::Flush)),
        1 => Ok(Some(Packet::Delimiter)),
        length @ 4..=LARGEST => {
            let mut line = vec![0; length - 4];
            input.read_exact(&mut line)?;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            Ok(Some(Packet::Line(line)))
        }
        _ => Err(malformed()),
    }
}

/// Writes one packet with these bytes.
pub(super) fn line(output: &mut dyn Write, content: impl AsRef<[u8]>) -> io::Result<()> {
    let content = content.as_ref();
    write!(output, "{:04x}", content.len() + 4)?;
    output.write_all(content)
}

/// Ends a section.
pub(super) fn flush(output: &mut dyn Write) -> io::Result<()> {
    output.write_all(b"0000")
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed packet line")
}

/// Writes to a side-band channel: 1 data, 2 progress, 3 fatal errors.
pub(super) struct Band<'a> {
    pub(super) output: &'a mut dyn Write,
    pub(super) channel: u8,
}

impl Write for Band<'_> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let part = &content[..content.len().min(BAND)];
        write!(self.output, "{:04x}", part.len() + 5)?;
        self.output.write_all(&[self.channel])?;
        self.output.write_all(part)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

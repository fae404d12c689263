//! `git-upload-pack`: what a fetch talks to. Protocols 0, 1 and 2.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use gix::ObjectId;

use super::GitError;
use super::objects::{Request, Selection, select, write_pack};
use super::packet::{self, Band, Packet};

pub(super) const AGENT: &str = concat!("agent=belay/", env!("CARGO_PKG_VERSION"));

/// A reference and what it points at.
pub(super) struct Advertised {
    pub(super) name: String,
    pub(super) id: ObjectId,
    pub(super) peeled: Option<ObjectId>,
}

/// All references, sorted by name, without `HEAD`.
pub(super) fn references(repository: &gix::Repository) -> Result<Vec<Advertised>, GitError> {
    let mut found = BTreeMap::new();
    let platform = repository.references().map_err(GitError::references)?;
    for reference in platform.all().map_err(GitError::references)? {
        let reference = reference.map_err(GitError::references)?;
        let Some(id) = reference.try_id().map(gix::Id::detach) else { continue };
        let name = reference.name().as_bstr().to_string();
        let target = repository.find_object(id).ok().and_then(|object| object.peel_tags_to_end().ok());
        let peeled = target.map(|object| object.id).filter(|target| *target != id);
        found.insert(name.clone(), Advertised { name, id, peeled });
    }
    Ok(found.into_values().collect())
}

/// The full name that `HEAD` points at.
pub(super) fn head_name(repository: &gix::Repository) -> Option<String> {
    repository.head_name().ok().flatten().map(|name| name.as_bstr().to_string())
}

/// Writes the answer to `GET info/refs?service=git-upload-pack`.
pub(super) fn advertise_over_http(
    repository: &gix::Repository,
    version: u8,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    packet::line(output, "# service=git-upload-pack\n")?;
    packet::flush(output)?;
    advertise(repository, version, output)
}

/// Speaks version 2 with somebody who stays connected, command by command.
pub(super) fn converse(
    repository: &gix::Repository,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    advertise(repository, 2, output)?;
    output.flush()?;
    loop {
        let mut command = Vec::new();
        while let Some(Packet::Line(line)) = packet::read(input)?.map(as_line) {
            packet::line(&mut command, line)?;
        }
        if command.is_empty() {
            return Ok(());
        }
        answer(repository, read_command(2, &mut command.as_slice())?, output)?;
        output.flush()?;
    }
}

/// A delimiter parts nothing that `read_command` needs to tell apart.
fn as_line(packet: Packet) -> Packet {
    if packet == Packet::Delimiter { Packet::Line(Vec::new()) } else { packet }
}

/// Writes what the repository has, or with version 2 what it can do.
pub(super) fn advertise(
    repository: &gix::Repository,
    version: u8,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    if version == 2 {
        let lines = ["version 2", AGENT, "ls-refs=unborn", "fetch=shallow", "object-format=sha1"];
        for line in lines {
            packet::line(output, format!("{line}\n"))?;
        }
        return Ok(packet::flush(output)?);
    }
    if version == 1 {
        packet::line(output, "version 1\n")?;
    }
    let references = references(repository)?;
    let head = head_name(repository);
    let symref = head.as_deref().map(|name| format!(" symref=HEAD:{name}")).unwrap_or_default();
    let capabilities = format!(
        "multi_ack_detailed no-done side-band-64k ofs-delta shallow no-progress \
         allow-tip-sha1-in-want allow-reachable-sha1-in-want{symref} object-format=sha1 {AGENT}"
    );
    let head_id =
        head.and_then(|name| references.iter().find(|found| found.name == name)).map(|found| found.id);
    let mut lines: Vec<String> = head_id.map(|id| format!("{id} HEAD")).into_iter().collect();
    for reference in &references {
        lines.push(format!("{} {}", reference.id, reference.name));
        lines.extend(reference.peeled.map(|peeled| format!("{peeled} {}^{{}}", reference.name)));
    }
    if lines.is_empty() {
        lines.push(format!("{} capabilities^{{}}", ObjectId::null(gix::hash::Kind::Sha1)));
    }
    lines[0] = format!("{}\0{capabilities}", lines[0]);
    for line in lines {
        packet::line(output, format!("{line}\n"))?;
    }
    Ok(packet::flush(output)?)
}

/// A request read to its end, so that the answer may be streamed.
pub(super) enum Command {
    ListReferences { symrefs: bool, peel: bool, unborn: bool, prefixes: Vec<String> },
    Fetch { request: Request, done: bool, version: u8, no_done: bool, sideband: bool },
    Nothing,
}

/// Reads the body of `POST git-upload-pack`.
pub(super) fn read_command(version: u8, input: &mut dyn Read) -> Result<Command, GitError> {
    let mut lines = Vec::new();
    while let Some(packet) = packet::read(input)? {
        if let Packet::Line(line) = packet {
            let line =
                String::from_utf8(line).map_err(|_| GitError::Request("a line is not text".to_owned()))?;
            lines.push(line);
        }
        if lines.len() > 1_000_000 {
            return Err(GitError::Request("too many lines".to_owned()));
        }
    }
    match lines.first().map(String::as_str) {
        None => Ok(Command::Nothing),
        Some("command=ls-refs") if version == 2 => Ok(list_command(&lines)),
        Some("command=fetch") if version == 2 => fetch_command(2, &lines),
        Some(command) if version == 2 => Err(GitError::Request(format!("unknown {command:?}"))),
        Some(_) => fetch_command(version, &lines),
    }
}

fn list_command(lines: &[String]) -> Command {
    let has = |name: &str| lines.iter().any(|line| line == name);
    let prefixes = lines.iter().filter_map(|line| line.strip_prefix("ref-prefix ")).map(str::to_owned);
    Command::ListReferences {
        symrefs: has("symrefs"),
        peel: has("peel"),
        unborn: has("unborn"),
        prefixes: prefixes.collect(),
    }
}

fn fetch_command(version: u8, lines: &[String]) -> Result<Command, GitError> {
    let mut request = Request::default();
    let (mut done, mut no_done, mut sideband) = (false, false, version == 2);
    for line in lines {
        let mut words = line.split(' ');
        let (word, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match word {
            "want" => {
                request.wants.push(object_id(value)?);
                no_done |= words.clone().any(|capability| capability == "no-done");
                sideband |= words.any(|capability| capability == "side-band-64k");
            }
            "have" => request.haves.push(object_id(value)?),
            "shallow" => {
                request.client_shallow.insert(object_id(value)?);
            }
            "deepen" => {
                let depth = value.parse().map_err(|_| GitError::Request(format!("bad depth {value:?}")))?;
                request.depth = Some(depth).filter(|depth| *depth > 0);
            }
            "deepen-since" | "deepen-not" | "filter" | "want-ref" => {
                return Err(GitError::Request(format!("{word} is not supported")));
            }
            "done" => done = true,
            _ => {}
        }
    }
    Ok(Command::Fetch { request, done, version, no_done, sideband })
}

fn object_id(text: &str) -> Result<ObjectId, GitError> {
    ObjectId::from_hex(text.as_bytes()).map_err(|_| GitError::Request(format!("bad object id {text:?}")))
}

/// Writes the answer to a command.
pub(super) fn answer(
    repository: &gix::Repository,
    command: Command,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    match command {
        Command::Nothing => Ok(()),
        Command::ListReferences { symrefs, peel, unborn, prefixes } => {
            list_references(repository, symrefs, peel, unborn, &prefixes, output)
        }
        Command::Fetch { request, done, version, no_done, sideband } => {
            for want in &request.wants {
                if !repository.has_object(*want) {
                    packet::line(output, format!("ERR upload-pack: not our ref {want}\n"))?;
                    return Ok(());
                }
            }
            if version == 2 {
                fetch_2(repository, &request, done, output)
            } else {
                fetch_0(repository, &request, done, no_done, sideband, output)
            }
        }
    }
}

fn list_references(
    repository: &gix::Repository,
    symrefs: bool,
    peel: bool,
    unborn: bool,
    prefixes: &[String],
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let wanted =
        |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let references = references(repository)?;
    if let Some(head) = head_name(repository).filter(|_| wanted("HEAD")) {
        let symref = if symrefs { format!(" symref-target:{head}") } else { String::new() };
        match references.iter().find(|reference| reference.name == head) {
            Some(reference) => packet::line(output, format!("{} HEAD{symref}\n", reference.id))?,
            None if unborn => packet::line(output, format!("unborn HEAD{symref}\n"))?,
            None => {}
        }
    }
    for reference in references.iter().filter(|reference| wanted(&reference.name)) {
        let peeled = reference.peeled.filter(|_| peel).map(|id| format!(" peeled:{id}")).unwrap_or_default();
        packet::line(output, format!("{} {}{peeled}\n", reference.id, reference.name))?;
    }
    Ok(packet::flush(output)?)
}

fn fetch_2(
    repository: &gix::Repository,
    request: &Request,
    done: bool,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let common: Vec<_> = request.haves.iter().filter(|id| repository.has_object(**id)).collect();
    if !done {
        packet::line(output, "acknowledgments\n")?;
        for id in &common {
            packet::line(output, format!("ACK {id}\n"))?;
        }
        if common.is_empty() {
            packet::line(output, "NAK\n")?;
            return Ok(packet::flush(output)?);
        }
        packet::line(output, "ready\n")?;
        output.write_all(b"0001")?;
    }
    let selection = select(repository, request)?;
    if request.depth.is_some() {
        packet::line(output, "shallow-info\n")?;
        shallow_lines(request, &selection, output)?;
        output.write_all(b"0001")?;
    }
    packet::line(output, "packfile\n")?;
    send_pack(repository, &selection, output)?;
    Ok(packet::flush(output)?)
}

fn fetch_0(
    repository: &gix::Repository,
    request: &Request,
    done: bool,
    no_done: bool,
    sideband: bool,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let selection = select(repository, request)?;
    if request.depth.is_some() {
        shallow_lines(request, &selection, output)?;
        packet::flush(output)?;
    }
    let common: Vec<_> = request.haves.iter().filter(|id| repository.has_object(**id)).collect();
    let mut ready = done;
    if !done {
        for id in &common {
            packet::line(output, format!("ACK {id} common\n"))?;
        }
        if let Some(last) = common.last() {
            packet::line(output, format!("ACK {last} ready\n"))?;
            ready = no_done;
        }
        // A request that only asked for the new edge of the history ends here.
        if request.haves.is_empty() && request.depth.is_some() {
            return Ok(());
        }
        if !ready {
            return Ok(packet::line(output, "NAK\n")?);
        }
        packet::line(output, "NAK\n")?;
    }
    debug_assert!(ready, "a pack is sent only when the client can take it");
    match common.last() {
        Some(last) => packet::line(output, format!("ACK {last}\n"))?,
        None => packet::line(output, "NAK\n")?,
    }
    if !sideband {
        return write_pack(repository, &selection.objects, output);
    }
    send_pack(repository, &selection, output)?;
    Ok(packet::flush(output)?)
}

fn shallow_lines(request: &Request, selection: &Selection, output: &mut dyn Write) -> Result<(), GitError> {
    for id in selection.shallow.iter().filter(|id| !request.client_shallow.contains(*id)) {
        packet::line(output, format!("shallow {id}\n"))?;
    }
    for id in &selection.unshallow {
        packet::line(output, format!("unshallow {id}\n"))?;
    }
    Ok(())
}

fn send_pack(
    repository: &gix::Repository,
    selection: &Selection,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let mut band = std::io::BufWriter::with_capacity(60_000, Band { output, channel: 1 });
    write_pack(repository, &selection.objects, &mut band)?;
    Ok(band.flush()?)
}

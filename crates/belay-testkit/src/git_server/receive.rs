//! `git-receive-pack`: what a push talks to.

use std::io::{BufRead, Read, Write};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::objs::Kind;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

use super::GitError;
use super::objects::{Request, select};
use super::packet::{self, Band, Packet};
use super::upload::{AGENT, head_name, references};

/// Most references that one push may change.
const MOST_COMMANDS: usize = 10_000;

/// Writes the answer to `GET info/refs?service=git-receive-pack`.
pub(super) fn advertise(repository: &gix::Repository, output: &mut dyn Write) -> Result<(), GitError> {
    packet::line(output, "# service=git-receive-pack\n")?;
    packet::flush(output)?;
    let capabilities =
        format!("report-status delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 {AGENT}");
    let found = references(repository)?;
    let mut lines: Vec<_> = found.iter().map(|found| format!("{} {}", found.id, found.name)).collect();
    if lines.is_empty() {
        lines.push(format!("{} capabilities^{{}}", ObjectId::null(gix::hash::Kind::Sha1)));
    }
    lines[0] = format!("{}\0{capabilities}", lines[0]);
    for line in lines {
        packet::line(output, format!("{line}\n"))?;
    }
    Ok(packet::flush(output)?)
}

/// What became of a push.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The answer's body.
    pub(super) report: Vec<u8>,
    /// Whether any reference has changed.
    pub(super) changed: bool,
}

/// One reference to make, move or delete.
#[derive(Debug)]
struct Command {
    old: ObjectId,
    new: ObjectId,
    name: String,
}

#[derive(Debug, Default)]
struct Push {
    commands: Vec<Command>,
    report: bool,
    sideband: bool,
    atomic: bool,
}

/// Carries the body of `POST git-receive-pack` out.
pub(super) fn receive(repository: &gix::Repository, input: &mut dyn BufRead) -> Result<Outcome, GitError> {
    let push = read_commands(input)?;
    if push.commands.is_empty() {
        // Before a large push the client asks in this way whether its login is good.
        return Ok(Outcome::default());
    }
    let brings_pack = push.commands.iter().any(|command| !command.new.is_null());
    let unpacked = if brings_pack { store_pack(repository, input) } else { Ok(()) };
    // The connection can be used again only when the whole request was read.
    std::io::copy(input, &mut std::io::sink())?;
    let results = match &unpacked {
        Ok(()) => update(repository, &push),
        Err(_) => push.commands.iter().map(|_| Err("unpacker error".to_owned())).collect(),
    };
    let changed = results.iter().any(Result::is_ok);
    let report = if push.report { report(&push, &unpacked, &results)? } else { Vec::new() };
    Ok(Outcome { report, changed })
}

fn read_commands(input: &mut dyn BufRead) -> Result<Push, GitError> {
    let mut push = Push::default();
    while let Some(Packet::Line(line)) = packet::read(input)? {
        let line = String::from_utf8(line)
            .map_err(|_| GitError::Request("a reference's name is not UTF-8".to_owned()))?;
        if line.starts_with("shallow ") {
            return Err(GitError::Request("a push from a shallow clone is not supported".to_owned()));
        }
        let (command, capabilities) = line.split_once('\0').unwrap_or((&line, ""));
        for capability in capabilities.split(' ') {
            push.report |= capability == "report-status";
            push.sideband |= capability == "side-band-64k";
            push.atomic |= capability == "atomic";
        }
        push.commands.push(parse(command)?);
        if push.commands.len() > MOST_COMMANDS {
            return Err(GitError::Request("too many references in one push".to_owned()));
        }
    }
    Ok(push)
}

fn parse(command: &str) -> Result<Command, GitError> {
    let malformed = || GitError::Request(format!("malformed command {command:?}"));
    let mut words = command.splitn(3, ' ');
    let mut word = || words.next().ok_or_else(malformed);
    let (old, new, name) = (word()?, word()?, word()?);
    let id = |text: &str| ObjectId::from_hex(text.as_bytes()).map_err(|_| malformed());
    Ok(Command { old: id(old)?, new: id(new)?, name: name.to_owned() })
}

/// Puts the pack beside the others. Until a reference names its objects nobody sees them.
fn store_pack(repository: &gix::Repository, input: &mut dyn BufRead) -> Result<(), String> {
    let mut header = [0; 12];
    input.read_exact(&mut header).map_err(|error| format!("no pack: {error}"))?;
    if header[..4] == *b"PACK" && header[8..] == [0; 4] {
        return Ok(());
    }
    let folder = repository.git_dir().join("objects/pack");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut pack = std::io::BufReader::new((&header[..]).chain(input));
    let written = gix::odb::pack::Bundle::write_to_directory(
        &mut pack,
        Some(&folder),
        &mut gix::progress::Discard,
        &AtomicBool::new(false),
        Some(&repository.objects),
        gix::hash::Kind::Sha1,
        gix::odb::pack::bundle::write::Options { thread_limit: Some(1), ..Default::default() },
    );
    let written = written.map_err(|error| format!("{error:#}").replace('\n', " "))?;
    if let Some(keep) = written.keep_path {
        std::fs::remove_file(keep).map_err(|error| error.to_string())?;
    }
    Ok(())
}

type Results = Vec<Result<(), String>>;

fn update(repository: &gix::Repository, push: &Push) -> Results {
    let edits: Vec<_> = push.commands.iter().map(|command| edit(repository, command)).collect();
    if !push.atomic {
        let carry_out = |edit| repository.edit_reference(edit).map(drop).map_err(|error| reason(&error));
        return edits.into_iter().map(|edit| edit.and_then(carry_out)).collect();
    }
    let failed = |_: &Command| Err("atomic push failed".to_owned());
    if edits.iter().any(Result::is_err) {
        let results = edits.into_iter().zip(&push.commands);
        return results.map(|(edit, command)| edit.map(drop).and_then(|()| failed(command))).collect();
    }
    match repository.edit_references(edits.into_iter().flatten()) {
        Ok(_) => push.commands.iter().map(|_| Ok(())).collect(),
        Err(error) => push.commands.iter().map(|_| Err(reason(&error))).collect(),
    }
}

/// The change of one reference, or why it is refused.
fn edit(repository: &gix::Repository, command: &Command) -> Result<RefEdit, String> {
    let refused = |reason: &str| Err(reason.to_owned());
    let Ok(name) = FullName::try_from(command.name.as_str()) else { return refused("funny refname") };
    if !command.name.starts_with("refs/") {
        return refused("funny refname");
    }
    let expected = match command.old.is_null() {
        true => PreviousValue::MustNotExist,
        false => PreviousValue::MustExistAndMatch(Target::Object(command.old)),
    };
    let change = if command.new.is_null() {
        if head_name(repository).as_deref() == Some(&command.name) {
            return refused("deletion of the current branch prohibited");
        }
        Change::Delete { expected, log: RefLog::AndReference }
    } else {
        check_target(repository, command)?;
        Change::Update { log: LogChange::default(), expected, new: Target::Object(command.new) }
    };
    Ok(RefEdit { change, name, deref: false })
}

/// Branches point at commits, and whatever is new hangs together with what was there.
fn check_target(repository: &gix::Repository, command: &Command) -> Result<(), String> {
    let missing = |_| "missing necessary objects".to_owned();
    let object = repository.find_header(command.new).map_err(|_| "bad pack".to_owned())?;
    if command.name.starts_with("refs/heads/") && object.kind() != Kind::Commit {
        return Err("a branch must point at a commit".to_owned());
    }
    let haves = references(repository).map_err(missing)?;
    let haves = haves.into_iter().map(|found| found.peeled.unwrap_or(found.id)).collect();
    let request = Request { wants: vec![command.new], haves, ..Request::default() };
    let selection = select(repository, &request).map_err(missing)?;
    match selection.objects.iter().all(|id| repository.has_object(*id)) {
        true => Ok(()),
        false => Err("missing necessary objects".to_owned()),
    }
}

/// The cause that tells most, on one line.
fn reason(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string().replace('\n', " ")
}

fn report(push: &Push, unpacked: &Result<(), String>, results: &Results) -> Result<Vec<u8>, GitError> {
    let mut lines = Vec::new();
    match unpacked {
        Ok(()) => packet::line(&mut lines, "unpack ok\n")?,
        Err(reason) => packet::line(&mut lines, format!("unpack {reason}\n"))?,
    }
    for (command, result) in push.commands.iter().zip(results) {
        match result {
            Ok(()) => packet::line(&mut lines, format!("ok {}\n", command.name))?,
            Err(reason) => packet::line(&mut lines, format!("ng {} {reason}\n", command.name))?,
        }
    }
    packet::flush(&mut lines)?;
    if !push.sideband {
        return Ok(lines);
    }
    let mut report = Vec::new();
    Band { output: &mut report, channel: 1 }.write_all(&lines)?;
    packet::flush(&mut report)?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Author, Change, Repository};

    /// A repository of two commits, `main` at the second.
    fn served() -> (tempfile::TempDir, Repository, gix::Repository, [String; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.git");
        let repository = Repository::create(&path).unwrap();
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        let commit = |text: &str| repository.commit(&[Change::write("x", text)], text, &author).unwrap();
        let commits = [commit("one"), commit("two")];
        let inner = gix::open_opts(&path, gix::open::Options::isolated()).unwrap();
        (folder, repository, inner, commits)
    }

    /// A pack without objects, as a client sends for commits that the server has.
    fn empty_pack() -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
        pack.extend_from_slice(b"\x02\x9d\x08\x82;\xd8\xa8\xea\xb5\x10\xadj\xc7\\\x82<\xfd>\xd3\x1e");
        pack
    }

    fn push(repository: &gix::Repository, command: &str, pack: &[u8]) -> Outcome {
        let mut body = Vec::new();
        packet::line(&mut body, format!("{command}\0report-status")).unwrap();
        packet::flush(&mut body).unwrap();
        body.extend_from_slice(pack);
        receive(repository, &mut body.as_slice()).unwrap()
    }

    #[test]
    fn a_push_from_an_old_state_is_refused() {
        let (_folder, repository, inner, [first, second]) = served();
        let outcome = push(&inner, &format!("{first} {first} refs/heads/main"), &empty_pack());
        let report = String::from_utf8(outcome.report).unwrap();
        assert!(report.contains("unpack ok") && report.contains("ng refs/heads/main"), "{report}");
        assert!(!outcome.changed);
        assert_eq!(repository.head().unwrap().as_ref(), Some(&second));
        let outcome = push(&inner, &format!("{second} {first} refs/heads/main"), &empty_pack());
        assert!(outcome.changed);
        assert_eq!(repository.head().unwrap(), Some(first));
    }

    #[test]
    fn what_cannot_be_a_reference_is_refused() {
        let (_folder, repository, inner, [first, second]) = served();
        let zero = "0".repeat(40);
        let tree =
            inner.find_commit(ObjectId::from_hex(first.as_bytes()).unwrap()).unwrap().tree_id().unwrap();
        for (new, name, reason) in [
            (first.as_str(), "refs/heads/../x", "funny refname"),
            (&first, "main2", "funny refname"),
            (&first, "HEAD", "funny refname"),
            (&"1".repeat(40), "refs/heads/new", "bad pack"),
            (&tree.to_string(), "refs/heads/new", "a branch must point at a commit"),
        ] {
            let outcome = push(&inner, &format!("{zero} {new} {name}"), &empty_pack());
            let report = String::from_utf8(outcome.report).unwrap();
            assert!(report.contains(&format!("ng {name} {reason}")), "{report}");
            assert!(!outcome.changed);
        }
        assert_eq!(repository.head().unwrap(), Some(second));
    }

    #[test]
    fn a_commit_without_its_tree_is_refused() {
        let (_folder, repository, inner, _) = served();
        let who = "Ada <ada@example.org> 1700000000 +0000";
        let text = format!("tree {}\nauthor {who}\ncommitter {who}\n\nx\n", "2".repeat(40));
        let commit = repository.write_raw(Kind::Commit, text.as_bytes()).unwrap();
        let command = format!("{} {commit} refs/heads/new", "0".repeat(40));
        let report = String::from_utf8(push(&inner, &command, &empty_pack()).report).unwrap();
        assert!(report.contains("ng refs/heads/new missing necessary objects"), "{report}");
    }

    #[test]
    fn a_damaged_pack_is_refused() {
        let (_folder, repository, inner, [first, second]) = served();
        let command = format!("{second} {first} refs/heads/main");
        for pack in [&b"PACK"[..], b"PACK\0\0\0\x02\0\0\0\x05rubbish rubbish", b"not a pack at all"] {
            let report = String::from_utf8(push(&inner, &command, pack).report).unwrap();
            assert!(report.contains("ng refs/heads/main unpacker error"), "{report}");
            assert!(!report.contains("unpack ok"), "{report}");
        }
        assert_eq!(repository.head().unwrap(), Some(second));
    }
}
